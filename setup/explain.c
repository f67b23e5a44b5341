#include "setup/explain.h"

int
explain_misuse(const struct setup *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "setup %s%s%s: ", s->group,
	    s->verb != NULL ? " " : "", s->verb != NULL ? s->verb : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n\n%s", s->usage);
	return EXPLAIN_MISUSE;
}

/* The option that arg is, and in *rest what is behind its name. */
static const struct explain_option *
find(const struct explain_option *options, size_t n, const char *arg,
    const char **rest)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(options[i].name);

		*rest = arg + 2 + length;
		if (strncmp(arg + 2, options[i].name, length) == 0 &&
		    (**rest == '\0' || **rest == '='))
			return &options[i];
	}
	return NULL;
}

/* Takes one option; returns how many arguments it is, or -1 after saying. */
static int
take(const struct setup *s, int argc, char **argv,
    const struct explain_option *options, size_t n)
{
	const struct explain_option *o;
	const char *rest = "";

	o = find(options, n, argv[0], &rest);
	if (o == NULL) {
		explain_misuse(s, "there is no option %s", argv[0]);
		return -1;
	}
	if (o->flag != NULL && *rest == '\0') {
		*o->flag = true;
		return 1;
	}
	if (o->value != NULL && *rest == '=') {
		*o->value = rest + 1;
		return 1;
	}
	if (o->value != NULL && argc > 1) {
		*o->value = argv[1];
		return 2;
	}
	explain_misuse(s, o->flag != NULL ? "%s takes no value" :
	    "%s needs a value", argv[0]);
	return -1;
}

int
explain_options(const struct setup *s, int argc, char **argv,
    const struct explain_option *options, size_t n, const char **words,
    int max)
{
	int count = 0, used;

	for (int i = 0; i < argc; i += used) {
		used = 1;
		if (strncmp(argv[i], "--", 2) == 0) {
			used = take(s, argc - i, argv + i, options, n);
			if (used == -1)
				return -1;
		} else if (count == max) {
			explain_misuse(s, "what is '%s'?", argv[i]);
			return -1;
		} else {
			words[count++] = argv[i];
		}
	}
	return count;
}

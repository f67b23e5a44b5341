#include "setup/commands.h"

#include "setup/control.h"

int
cmd_status(struct setup *s, int argc, char **argv UNUSED)
{
	static const char *const words[] = { "status" };

	if (argc > 0)
		return say_usage(s, 1);
	return control_run(s, LEN(words), words);
}

int
cmd_dmarc_report(struct setup *s, int argc, char **argv)
{
	const char *words[6] = { "reports", "report" };

	if (argc > 4)
		return say_usage(s, 2);
	if (!s->conf.dmarc_reports)
		return say_abort(s, "PILLARBOX_DMARC_REPORTS is off");
	for (int i = 0; i < argc; i++) {
		if (*argv[i] == '\0' || strchr(argv[i], '\n') != NULL)
			return say_usage(s, 2);
		words[2 + i] = argv[i];
	}
	return control_run(s, 2 + argc, words);
}

int
cmd_dmarc_send(struct setup *s, int argc, char **argv UNUSED)
{
	const char *words[] = { "reports", "send" };

	if (argc > 0)
		return say_usage(s, 2);
	if (!s->conf.dmarc_send_reports)
		return say_abort(s, "PILLARBOX_DMARC_REPORTS_SEND is off");
	return control_run(s, 2, words);
}

int
cmd_queue(struct setup *s, int argc, char **argv)
{
	static const struct {
		const char *verb;
		int least, most; /* arguments */
	} verbs[] = {
		{ "list", 0, 0 }, { "show", 1, 1 }, { "flush", 0, 1 },
		{ "hold", 1, 1 }, { "release", 1, 1 }, { "delete", 1, 1 },
	};
	const char *words[3] = { "queue", s->verb, argc > 0 ? argv[0] : NULL };

	for (size_t i = 0; i < LEN(verbs); i++)
		if (strcmp(verbs[i].verb, s->verb) == 0 &&
		    (argc < verbs[i].least || argc > verbs[i].most))
			return say_usage(s, 1);
	for (int i = 0; i < argc; i++)
		if (*argv[i] == '\0' || strchr(argv[i], '\n') != NULL)
			return say_abort(s, "'%s' is not a queue id", argv[i]);
	return control_run(s, 2 + argc, words);
}

#include "services/imap/pattern.h"

#include "core/limits.h"

struct slice
pattern_make(struct arena *a, struct slice reference, struct slice mailbox)
{
	char *p = arena_alloc(a, reference.n + mailbox.n);
	size_t n = 0;

	for (size_t i = 0; i < reference.n + mailbox.n; i++) {
		char c = i < reference.n ? reference.p[i]
					 : mailbox.p[i - reference.n];

		if (n > 0 && (c == '*' || c == '%') &&
		    (p[n - 1] == '*' || p[n - 1] == '%')) {
			if (c == '*')
				p[n - 1] = '*';
			continue;
		}
		p[n++] = c;
	}
	/* INBOX is one name in any case (RFC 3501 5.1). */
	if (slice_istarts(slice_of(p, n), S("INBOX")) &&
	    (n == 5 || strchr(".*%", p[5]) != NULL))
		memcpy(p, "INBOX", 5);
	return slice_of(p, n);
}

bool
pattern_reaches(struct slice pattern, struct slice top)
{
	size_t n = 0;

	while (n < pattern.n && pattern.p[n] != '*' && pattern.p[n] != '%')
		n++;
	/* What comes before the first wildcard decides. */
	pattern = slice_head(pattern, n);
	return slice_starts(top, pattern) || slice_starts(pattern, top);
}

/*
 * reach[j]: the first j characters of the pattern match what was read of the
 * name. One pass over the name, each updating the whole row.
 */
bool
pattern_matches(struct slice pattern, struct slice name, char separator)
{
	bool reach[LIMIT_MAILBOX_NAME * 2 + 1] = { true };

	if (pattern.n > LIMIT_MAILBOX_NAME * 2)
		return false;
	for (size_t j = 0; j < pattern.n && reach[j]; j++)
		reach[j + 1] = pattern.p[j] == '*' || pattern.p[j] == '%';
	for (size_t i = 0; i < name.n; i++) {
		bool before = reach[0]; /* reach[j] for the shorter name */

		reach[0] = false;
		for (size_t j = 0; j < pattern.n; j++) {
			bool here = reach[j + 1];
			char c = pattern.p[j];

			if (c == '*')
				reach[j + 1] = reach[j] || here;
			else if (c == '%')
				reach[j + 1] = reach[j] ||
				    (here && name.p[i] != separator);
			else
				reach[j + 1] = before && c == name.p[i];
			before = here;
		}
	}
	return reach[pattern.n];
}

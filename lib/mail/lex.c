/* See lex.h. */
#include "mail/lex.h"

bool
lex_skip_cfws(struct slice *s)
{
	size_t depth = 0, i;

	for (i = 0; i < s->n; i++) {
		char c = s->p[i];

		if (c == '(')
			depth++;
		else if (depth > 0 && c == '\\')
			i++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth == 0 && !lex_is_white(c))
			break;
	}
	*s = slice_from(*s, i < s->n ? i : s->n);
	return s->n > 0;
}

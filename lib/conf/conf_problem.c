#include "conf/conf_problem.h"

#include "core/buf.h"

#define LINE_MAX_BYTES 1000

void
conf_problems_init(struct conf_problems *p)
{
	*p = (struct conf_problems){ 0 };
}

void
conf_problems_release(struct conf_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		mem_free(p->list[i].text);
	mem_free(p->list);
	conf_problems_init(p);
}

/* Takes the text of b, made printable: what it quotes may be anything. */
static void
add(struct conf_problems *p, enum log_level level, struct buf *b)
{
	p->errors += level == LOG_ERROR;
	p->warnings += level == LOG_WARN;
	if (p->n == CONF_PROBLEMS_KEPT)
		return;
	for (size_t i = 0; i < b->n; i++)
		if ((unsigned char)b->p[i] < 0x20 || b->p[i] == 0x7f)
			b->p[i] = '?';
	p->list = mem_grow(p->list, p->n + 1, sizeof(p->list[0]));
	p->list[p->n].level = level;
	p->list[p->n].text = buf_take(b);
	p->n++;
}

static void
add_text(struct buf *b, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	size_t n;

	vsnprintf(text, sizeof(text), fmt, ap);
	n = strlen(text);
	/* Cut at a character, not inside one. */
	while (n > 0 && !slice_is_utf8(slice_of(text, n)) &&
	    sizeof(text) - n < 5)
		n--;
	if (slice_is_utf8(slice_of(text, n))) {
		buf_add(b, text, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		buf_addc(b, (unsigned char)text[i] < 0x80 ? text[i] : '?');
}

void
conf_problem(struct conf_problems *p, enum log_level level, const char *fmt,
    ...)
{
	struct buf b = BUF_INIT(LINE_MAX_BYTES);
	va_list ap;

	if (p == NULL)
		return;
	va_start(ap, fmt);
	add_text(&b, fmt, ap);
	va_end(ap);
	add(p, level, &b);
	buf_release(&b);
}

void
conf_problem_at(struct conf_problems *p, enum log_level level,
    const char *path, unsigned line, unsigned column, const char *fmt, ...)
{
	struct buf b = BUF_INIT(8192);
	va_list ap;

	if (p == NULL)
		return;
	buf_addf(&b, "%s:%u:", path, line);
	if (column != 0)
		buf_addf(&b, "%u:", column);
	buf_addc(&b, ' ');
	va_start(ap, fmt);
	add_text(&b, fmt, ap);
	va_end(ap);
	add(p, level, &b);
	buf_release(&b);
}

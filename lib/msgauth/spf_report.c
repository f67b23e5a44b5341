/* What an SPF check found. See spf_report.h. */
#include "msgauth/spf_report.h"

/* A reply has 512 octets (RFC 5321 4.5.3.1.5), code and line end included. */
#define REPLY_MAX 480

const char *
spf_identity_name(const struct spf *s)
{
	return s->identity == SPF_HELO ? "helo" : "mailfrom";
}

void
spf_authres(const struct spf *s, const struct spf_check *check,
    struct authres_result *r)
{
	*r = (struct authres_result){
		.method = "spf",
		.result = spf_result_name(s->result),
		.comment = s->why,
		.properties = { { "smtp", spf_identity_name(s),
		    slice_head(s->identity == SPF_HELO ? check->helo :
		    check->sender, LIMIT_ADDRESS) } },
	};
}

void
spf_received(const struct spf *s, const struct spf_check *check,
    struct buf *out)
{
	const char *result = spf_result_name(s->result);

	buf_addf(out, "Received-SPF: %c%s (%s) identity=%s; client-ip=",
	    ascii_upper(result[0]), result + 1, spf_identity_name(s),
	    spf_identity_name(s));
	authres_put_value(out, s->macros.readable);
	buf_adds(out, ";\r\n\thelo=");
	authres_put_value(out, slice_head(check->helo, LIMIT_DOMAIN));
	buf_adds(out, "; envelope-from=");
	if (check->sender.n > 0)
		authres_put_value(out, slice_head(check->sender,
		    LIMIT_ADDRESS));
	else
		buf_adds(out, "<>");
	buf_adds(out, ";\r\n\treceiver=<UNKNOWN>\r\n");
}

void
spf_refusal(const struct spf *s, struct buf *out)
{
	size_t start = out->n;

	/* dms-compat 6.9 */
	buf_adds(out, "Message rejected due to: SPF fail - not authorized. ");
	buf_add_slice(out, s->why);
	/* RFC 7208 section 6.2: whose words they are is said. */
	if (s->explanation.n > 0)
		buf_addf(out, "; %.*s explains: %.*s",
		    SLICE_ARG(s->explained_by), SLICE_ARG(s->explanation));
	if (out->n - start > REPLY_MAX)
		buf_truncate(out, start + REPLY_MAX);
}

/*
 * reset_page.c
 *		Owns the page behind a reset link: its text, its style, its script.
 *
 * Threats: a link that is used up, or reveals whether it is valid, when its
 * page is opened (the token is not checked before a password is sent); a token
 * that leaks by referrer, cache or third-party content, and markup in the token
 * (the Content-Security-Policy allows only this script and style, by their
 * hashes, and loads nothing).
 *
 * Without the script the form posts to the page itself, which shows the result.
 * With it the rules turn green while typing, and the password goes to
 * djust_reset_confirm.
 */
#include "postgres.h"

#include "crypto/crypto.h"
#include "http/answer.h"
#include "http/html.h"
#include "http/postgrest.h"
#include "http/reset_page.h"
#include "pwhash/pwpolicy.h"
#include "server/settings.h"
#include "text/bytes.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1c2126;--soft:#59636e;--paper:#fff;--back:#f3f4f6;--line:#8b949e;"
	"--act:#1f5fbf;--good:#17692f;--bad:#a4262c}"
	"@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a8b0b9;--paper:#1d2126;--back:#121519;"
	"--line:#737c86;--act:#8ab8ff;--good:#7bd894;--bad:#ff9a9a}}"
	"*{box-sizing:border-box}"
	"[hidden]{display:none!important}"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--back);"
	"color:var(--ink);font:1rem/1.5 system-ui,sans-serif}"
	"main{width:100%;max-width:27rem;padding:2rem;background:var(--paper);border-radius:.75rem;"
	"box-shadow:0 1px 3px rgba(0,0,0,.2)}"
	"h1{margin:0 0 1.25rem;font-size:1.5rem;line-height:1.25}"
	"label{display:block;margin-bottom:.375rem;font-weight:600}"
	"input[type=password],input[type=text]{width:100%;padding:.625rem .75rem;font:inherit;color:inherit;"
	"background:var(--paper);border:1px solid var(--line);border-radius:.375rem}"
	":focus-visible{outline:3px solid var(--act);outline-offset:2px}"
	".show{display:flex;gap:.5rem;align-items:center;margin:.625rem 0 0;font-weight:400}"
	"ul{list-style:none;margin:1.25rem 0;padding:0}"
	"li{position:relative;padding:.125rem 0 .125rem 1.75rem;color:var(--soft)}"
	"li::before{content:'\\25CB';position:absolute;left:.25rem}"
	"li.met{color:var(--good)}"
	"li.met::before{content:'\\2713';font-weight:700}"
	"li.unmet{color:var(--bad)}"
	"li.unmet::before{content:'\\2717'}"
	"button{width:100%;padding:.75rem;font:inherit;font-weight:600;color:var(--paper);background:var(--act);border:0;"
	"border-radius:.375rem;cursor:pointer}"
	"button:disabled{opacity:.6;cursor:default}"
	"#answer p{margin:0 0 1.25rem;padding:.75rem 1rem;border-left:.25rem solid var(--bad);background:var(--back)}"
	"#answer p.good{border-color:var(--good)}"
	".said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}";

/*
 * Rules as in pwpolicy.c: characters after NFC, four byte sets; of these, those that the page lists.  Violations found
 * by the server arrive as codes.
 */
static const char script[] =
	"(function(){'use strict';"
	"var form=document.forms[0];"
	"var field=form.elements.new_password,button=form.querySelector('button'),show=document.getElementById('show'),"
	"special='~`!@#$%^&*()-_+={}[]|;:\"<>,./?',rules={"
	"too_short:function(p){return Array.from(p).length>=Number(form.dataset.min)},"
	"missing_uppercase:function(p){return/[A-Z]/.test(p)},"
	"missing_lowercase:function(p){return/[a-z]/.test(p)},"
	"missing_digit:function(p){return/[0-9]/.test(p)},"
	"missing_special:function(p){return Array.from(p).some(function(c){return special.indexOf(c)>=0})}};"
	"Object.keys(rules).forEach(function(code){if(!document.getElementById(code))delete rules[code]});"
	"function mark(code,state){var rule=document.getElementById(code);rule.className=state;"
	"rule.querySelector('.said').textContent=state?(state==='met'?' (met)':' (not met)'):''}"
	"function check(){var p=field.value.normalize('NFC');"
	"Object.keys(rules).forEach(function(code){mark(code,rules[code](p)?'met':'')})}"
	"function tell(codes){document.querySelectorAll('#answer p').forEach(function(p){"
	"p.hidden=codes.indexOf(p.dataset.code)<0})}"
	"function answer(body){"
	"if(body.status==='password_updated'){form.hidden=true;tell(['password_updated']);"
	"document.title=document.querySelector('h1').textContent='Password changed'}"
	"else if(body.error==='weak_password'){check();body.violations.forEach(function(code){if(rules[code])"
	"mark(code,'unmet')});tell(['weak_password'].concat(body.violations));field.focus()}"
	"else{form.hidden=body.error==='invalid_grant';tell([body.error])}}"
	"form.addEventListener('submit',function(event){event.preventDefault();button.disabled=true;tell([]);"
	"fetch('djust_reset_confirm',{method:'POST',headers:{'Content-Type':'application/json',Accept:'application/json'},"
	"body:JSON.stringify({reset_token:form.elements.token.value,new_password:field.value})})"
	".then(function(response){return response.json()})"
	".then(function(body){if(!body||!(body.status||body.error))throw body;answer(body)})"
	".catch(function(){form.submit()})"
	".finally(function(){button.disabled=false})});"
	"show.addEventListener('change',function(){field.type=show.checked?'text':'password'});"
	"show.parentNode.hidden=false;"
	"field.addEventListener('input',check);check()})();";

/* Results of an attempt: all are on the page, and those that do not apply are hidden. */
static const struct
{
	const char *code; /* a status or an error of answer.c, or a violation */
	const char *text;
} messages[] = {
	{"password_updated", "Your new password is set. You can log in with it now; all earlier sessions have ended."},
	{"weak_password", "This password was not accepted."},
	{"too_long", "It is longer than 1024 bytes."},
	{"too_common", "It is one of those that are guessed first. Choose another."},
	{"invalid_grant", "This link is no longer valid. Ask for a new one."},
	{"temporarily_unavailable", "The server is busy. Try again in a moment."},
};

/* Rules listed after the length, in the order of the bits of pwpolicy.h; NULL for those shown only when violated. */
static const char *const rules[PWPOLICY_VIOLATIONS] = {
	[2] = "A capital letter, A to Z",
	[3] = "A small letter, a to z",
	[4] = "A digit, 0 to 9",
	[5] = "A special character: ~ ` ! @ # $ % ^ & * ( ) - _ + = { } [ ] | ; : \" < > , . / ?",
};

static bool
applies(const char *code, const Answer *answer)
{
	unsigned n;

	if (answer == NULL)
		return false;
	if (strcmp(code, answer_code(answer)) == 0)
		return true;
	for (n = 0; answer->verdict == VERDICT_WEAK_PASSWORD && n < PWPOLICY_VIOLATIONS; n++)
		if ((answer->violations & (1u << n)) != 0 && strcmp(code, pwpolicy_code(n)) == 0)
			return true;
	return false;
}

static void
append_messages(StringInfo out, const Answer *answer)
{
	int i;

	appendStringInfoString(out, "<div id=\"answer\" role=\"alert\">\n");
	for (i = 0; i < lengthof(messages); i++)
	{
		appendStringInfo(out,
						 "<p data-code=\"%s\"%s%s>",
						 messages[i].code,
						 i == 0 ? " class=\"good\"" : "",
						 applies(messages[i].code, answer) ? "" : " hidden");
		html_append(out, slice_of(messages[i].text));
		appendStringInfoString(out, "</p>\n");
	}
	appendStringInfoString(out, "</div>\n");
}

static int
min_characters(void)
{
	return pwpolicy_min_characters(setting_password_policy, setting_password_min_length);
}

static void
append_rules(StringInfo out, const Answer *answer)
{
	unsigned n;

	appendStringInfoString(out, "<ul id=\"rules\">\n");
	for (n = 0; n < PWPOLICY_VIOLATIONS; n++)
	{
		const char *text = n == 0 ? psprintf("At least %d characters", min_characters()) : rules[n];
		bool unmet = applies(pwpolicy_code(n), answer);

		if (text == NULL || (pwpolicy_rules(setting_password_policy) & (1u << n)) == 0)
			continue;
		appendStringInfo(out, "<li id=\"%s\"%s>", pwpolicy_code(n), unmet ? " class=\"unmet\"" : "");
		html_append(out, slice_of(text));
		appendStringInfo(out, "<span class=\"said\">%s</span></li>\n", unmet ? " (not met)" : "");
	}
	appendStringInfoString(out, "</ul>\n");
}

/* The action is this page without its query, under any path that a proxy uses. */
static void
append_form(StringInfo out, Slice token, const Answer *answer)
{
	appendStringInfo(out,
					 "<form method=\"post\" action=\"?\" data-min=\"%d\">\n"
					 "<input type=\"hidden\" name=\"token\" value=\"",
					 min_characters());
	html_append(out, token);
	appendStringInfoString(
		out,
		"\">\n<label for=\"new_password\">New password</label>\n"
		"<input type=\"password\" id=\"new_password\" name=\"new_password\" "
		"autocomplete=\"new-password\" required autofocus aria-describedby=\"rules\">\n"
		"<label class=\"show\" hidden><input type=\"checkbox\" id=\"show\"> Show password</label>\n");
	append_rules(out, answer);
	appendStringInfoString(out, "<button>Set new password</button>\n</form>\n");
}

/* A Content-Security-Policy source for exactly this text. */
static char *
source_of(const char *text)
{
	uint8_t hash[SHA256_SIZE];
	char encoded[B64URL_LENGTH(SHA256_SIZE) + 1];

	if (!crypto_sha256(text, strlen(text), hash))
		elog(ERROR, "could not hash the page");
	encoded[b64_encode(BASE64_STANDARD, hash, sizeof(hash), encoded)] = '\0';
	return psprintf("'sha256-%s='", encoded);
}

char *
reset_page_html(Slice token, const Answer *answer)
{
	bool over = answer && (answer->verdict == VERDICT_OK || answer->verdict == VERDICT_INVALID_GRANT);
	const char *title = answer && answer->verdict == VERDICT_OK ? "Password changed" : "Choose a new password";
	StringInfoData out;

	postgrest_answer_page(
		answer ? answer_status(answer) : 200,
		answer ? answer_retry_after(answer) : 0,
		psprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; connect-src 'self'; "
				 "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
				 source_of(script),
				 source_of(style)));
	initStringInfo(&out);
	appendStringInfo(&out,
					 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
					 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
					 "<meta name=\"robots\" content=\"noindex\">\n<title>%s</title>\n"
					 "<link rel=\"icon\" href=\"data:,\">\n"
					 "<style>%s</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n",
					 title,
					 style,
					 title);
	append_messages(&out, answer);
	if (!over)
	{
		append_form(&out, token, answer);
		appendStringInfo(&out, "<script>%s</script>\n", script);
	}
	appendStringInfoString(&out, "</main>\n</body>\n</html>\n");
	return out.data;
}

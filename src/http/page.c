/*
 * page.c
 *		Owns what the pages have in common: layout, style, script, headers.
 *
 * Threats: a token that leaks by referrer, cache or third-party content, and
 * markup in a token or an address (all of it is escaped, and the
 * Content-Security-Policy allows only this script and style, by their hashes,
 * and loads nothing).
 *
 * Without the script the form posts to the page itself, which shows the result.
 * With it the rules turn green while typing, and the fields go to the function
 * that answers in JSON.
 */
#include "postgres.h"

#include "crypto/crypto.h"
#include "http/answer.h"
#include "http/html.h"
#include "http/page.h"
#include "http/postgrest.h"
#include "pwhash/pwpolicy.h"
#include "server/settings.h"

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
 * by the server arrive as codes.  Texts stand in the page, so that one hash serves all languages.
 */
static const char script[] =
	"(function(){'use strict';"
	"var form=document.forms[0],field=form.querySelector('[type=password]'),button=form.querySelector('button'),"
	"show=document.getElementById('show'),"
	"special='~`!@#$%^&*()-_+={}[]|;:\"<>,./?',rules={"
	"too_short:function(p){return Array.from(p).length>=Number(form.dataset.min)},"
	"missing_uppercase:function(p){return/[A-Z]/.test(p)},"
	"missing_lowercase:function(p){return/[a-z]/.test(p)},"
	"missing_digit:function(p){return/[0-9]/.test(p)},"
	"missing_special:function(p){return Array.from(p).some(function(c){return special.indexOf(c)>=0})}};"
	"Object.keys(rules).forEach(function(code){if(!document.getElementById(code))delete rules[code]});"
	"function mark(code,state){var rule=document.getElementById(code);rule.className=state;"
	"rule.querySelector('.said').textContent=state?' ('+form.dataset[state]+')':''}"
	"function check(){var p=field.value.normalize('NFC');"
	"Object.keys(rules).forEach(function(code){mark(code,rules[code](p)?'met':'')})}"
	"function tell(codes){document.querySelectorAll('#answer p').forEach(function(p){"
	"p.hidden=codes.indexOf(p.dataset.code)<0})}"
	"function answer(body){"
	"if(body.status){form.hidden=true;tell([body.status]);"
	"document.title=document.querySelector('h1').textContent=form.dataset.done}"
	"else if(body.error==='weak_password'){check();body.violations.forEach(function(code){if(rules[code])"
	"mark(code,'unmet')});tell(['weak_password'].concat(body.violations));field.focus()}"
	"else{form.hidden=body.error==='invalid_grant';tell([body.error])}}"
	"function values(){var all={};Array.from(form.elements).forEach(function(e){var name=e.dataset.as||e.name;"
	"if(name)all[name]=e.value});return JSON.stringify(all)}"
	"form.addEventListener('submit',function(event){event.preventDefault();button.disabled=true;tell([]);"
	"fetch(form.dataset.call,{method:'POST',headers:{'Content-Type':'application/json',Accept:'application/json'},"
	"body:values()})"
	".then(function(response){return response.json()})"
	".then(function(body){if(!body||!(body.status||body.error))throw body;answer(body)})"
	".catch(function(){form.submit()})"
	".finally(function(){button.disabled=false})});"
	"show.addEventListener('change',function(){field.type=show.checked?'text':'password'});"
	"show.parentNode.hidden=false;"
	"field.addEventListener('input',check);check()})();";

/* Rules in the order of the bits of pwpolicy.h; PAGE_TEXTS for those shown only when violated. */
static const PageText rules[PWPOLICY_VIOLATIONS] = {
	PAGE_RULE_LENGTH,
	PAGE_TEXTS,
	PAGE_RULE_UPPERCASE,
	PAGE_RULE_LOWERCASE,
	PAGE_RULE_DIGIT,
	PAGE_RULE_SPECIAL,
	PAGE_TEXTS,
};

static int
min_characters(void)
{
	return pwpolicy_min_characters(setting_password_policy, setting_password_min_length);
}

void
page_text(Page *page, PageText text)
{
	page_text_append(&page->out, &page->texts, text, min_characters());
}

void
page_paragraph(Page *page, PageText text)
{
	appendStringInfoString(&page->out, "<p>");
	page_text(page, text);
	appendStringInfoString(&page->out, "</p>\n");
}

static bool
is_done(const Page *page)
{
	return page->answer && page->answer->verdict == VERDICT_OK;
}

bool
page_has_form(const Page *page)
{
	return page->answer == NULL || !(is_done(page) || page->answer->verdict == VERDICT_INVALID_GRANT);
}

static bool
is_violated(const Page *page, const char *code)
{
	unsigned n;

	for (n = 0; page->answer && page->answer->verdict == VERDICT_WEAK_PASSWORD && n < PWPOLICY_VIOLATIONS; n++)
		if ((page->answer->violations & (1u << n)) != 0 && strcmp(code, pwpolicy_code(n)) == 0)
			return true;
	return false;
}

static bool
applies(const Page *page, const PageMessage *message)
{
	if (page->answer == NULL || is_done(page))
		return page->answer && message == page->kind->messages;
	return strcmp(message->code, answer_code(page->answer)) == 0 || is_violated(page, message->code);
}

/* Results of an attempt: all are on the page, and those that do not apply are hidden. */
static void
append_messages(Page *page)
{
	const PageMessage *message;

	if (page->kind->messages == NULL)
		return;
	appendStringInfoString(&page->out, "<div id=\"answer\" role=\"alert\">\n");
	for (message = page->kind->messages; message->code; message++)
	{
		appendStringInfo(&page->out,
						 "<p data-code=\"%s\"%s%s>",
						 message->code,
						 message == page->kind->messages ? " class=\"good\"" : "",
						 applies(page, message) ? "" : " hidden");
		page_text(page, message->text);
		appendStringInfoString(&page->out, "</p>\n");
	}
	appendStringInfoString(&page->out, "</div>\n");
}

static void
append_rules(Page *page)
{
	unsigned n;

	appendStringInfoString(&page->out, "<ul id=\"rules\">\n");
	for (n = 0; n < PWPOLICY_VIOLATIONS; n++)
	{
		bool unmet = is_violated(page, pwpolicy_code(n));

		if (rules[n] == PAGE_TEXTS || (pwpolicy_rules(setting_password_policy) & (1u << n)) == 0)
			continue;
		appendStringInfo(&page->out, "<li id=\"%s\"%s>", pwpolicy_code(n), unmet ? " class=\"unmet\"" : "");
		page_text(page, rules[n]);
		if (rules[n] == PAGE_RULE_SPECIAL)
			html_append(&page->out, slice_of(" ~ ` ! @ # $ % ^ & * ( ) - _ + = { } [ ] | ; : \" < > , . / ?"));
		appendStringInfoString(&page->out, "<span class=\"said\">");
		if (unmet)
		{
			appendStringInfoString(&page->out, " (");
			page_text(page, PAGE_UNMET);
			appendStringInfoChar(&page->out, ')');
		}
		appendStringInfoString(&page->out, "</span></li>\n");
	}
	appendStringInfoString(&page->out, "</ul>\n");
}

void
page_password(Page *page, const char *name, PageText label)
{
	appendStringInfo(&page->out, "<label for=\"%s\">", name);
	page_text(page, label);
	appendStringInfo(&page->out,
					 "</label>\n<input type=\"password\" id=\"%s\" name=\"%s\" autocomplete=\"new-password\" required "
					 "autofocus aria-describedby=\"rules\">\n"
					 "<label class=\"show\" hidden><input type=\"checkbox\" id=\"show\"> ",
					 name,
					 name);
	page_text(page, PAGE_SHOW_PASSWORD);
	appendStringInfoString(&page->out, "</label>\n");
	append_rules(page);
}

void
page_hidden(Page *page, const char *name, const char *as, Slice value)
{
	appendStringInfoString(&page->out, "<input type=\"hidden\"");
	if (name)
		appendStringInfo(&page->out, " name=\"%s\"", name);
	if (as)
		appendStringInfo(&page->out, " data-as=\"%s\"", as);
	appendStringInfoString(&page->out, " value=\"");
	html_append(&page->out, value);
	appendStringInfoString(&page->out, "\">\n");
}

static void
append_data(Page *page, const char *name, PageText text)
{
	appendStringInfo(&page->out, " data-%s=\"", name);
	page_text(page, text);
	appendStringInfoChar(&page->out, '"');
}

/* The action is this page without its query, under any path that a proxy uses. */
void
page_begin_form(Page *page, const char *call)
{
	appendStringInfoString(&page->out, "<form method=\"post\" action=\"?\"");
	if (call)
	{
		appendStringInfo(&page->out, " data-min=\"%d\" data-call=\"%s\"", min_characters(), call);
		append_data(page, "done", page->kind->done_title);
		append_data(page, "met", PAGE_MET);
		append_data(page, "unmet", PAGE_UNMET);
	}
	appendStringInfoString(&page->out, ">\n");
}

void
page_end_form(Page *page, PageText button)
{
	appendStringInfoString(&page->out, "<button>");
	page_text(page, button);
	appendStringInfoString(&page->out, "</button>\n</form>\n");
	if (page->kind->has_password)
		appendStringInfo(&page->out, "<script>%s</script>\n", script);
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

static void
answer_headers(const Page *page)
{
	const Answer *answer = page->answer;

	postgrest_answer_page(
		answer             ? answer_status(answer) :
		page->kind->status ? page->kind->status :
							 200,
		answer ? answer_retry_after(answer) : 0,
		page->texts.language,
		psprintf("default-src 'none'; script-src %s; style-src %s; img-src data:; connect-src 'self'; "
				 "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
				 page->kind->has_password ? source_of(script) : "'none'",
				 source_of(style)));
}

void
page_begin(Page *page, const PageKind *kind, const Answer *answer)
{
	PageText title = answer && answer->verdict == VERDICT_OK ? kind->done_title : kind->title;

	page->kind = kind;
	page->answer = answer;
	page_texts_load(&page->texts);
	answer_headers(page);
	initStringInfo(&page->out);
	appendStringInfo(&page->out,
					 "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
					 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
					 "<meta name=\"robots\" content=\"noindex\">\n<title>",
					 page->texts.language);
	page_text(page, title);
	appendStringInfo(&page->out,
					 "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>",
					 style);
	page_text(page, title);
	appendStringInfoString(&page->out, "</h1>\n");
	append_messages(page);
}

char *
page_end(Page *page)
{
	appendStringInfoString(&page->out, "</main>\n</body>\n</html>\n");
	return page->out.data;
}

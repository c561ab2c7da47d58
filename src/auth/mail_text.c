/*
 * mail_text.c
 *		Owns the built-in texts of mails, in English, French and German.
 *
 * Paragraphs are separated by an empty line; the HTML is made of them.  French
 * and German have only characters of LATIN1.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "auth/mail_text.h"
#include "http/html.h"
#include "server/encoding.h"
#include "text/language.h"

typedef struct MailText
{
	const char *subject;
	const char *body;
} MailText;

static const struct
{
	const char *kind;
	MailText text[LANGUAGES]; /* in the order of language.h */
} texts[] = {
	{"reset",
	 {{"Reset your password",
	   "Somebody, probably you, asked for a new password for {email}.\n\n"
	   "Choose it here:\n\n{link}\n\n"
	   "The link works once, for 24 hours at most.\n\n"
	   "If it was not you, do nothing: your password stays as it is."},
	  {"Choisissez un nouveau mot de passe",
	   "Quelqu'un, sans doute vous, a demandé un nouveau mot de passe pour {email}.\n\n"
	   "Choisissez-le ici :\n\n{link}\n\n"
	   "Le lien ne sert qu'une fois et reste valable 24 heures au plus.\n\n"
	   "Si ce n'était pas vous, ne faites rien : votre mot de passe reste inchangé."},
	  {"Neues Passwort festlegen",
	   "Jemand, vermutlich Sie, hat ein neues Passwort für {email} angefordert.\n\n"
	   "Legen Sie es hier fest:\n\n{link}\n\n"
	   "Der Link funktioniert einmal und höchstens 24 Stunden lang.\n\n"
	   "Falls Sie es nicht waren, tun Sie nichts: Ihr Passwort bleibt unverändert."}}},
	{"password_changed",
	 {{"Your password was changed",
	   "The password for {email} was changed.\n\nIf it was not you, ask for a new one at once."},
	  {"Votre mot de passe a été modifié",
	   "Le mot de passe de {email} a été modifié.\n\n"
	   "Si ce n'était pas vous, demandez-en un nouveau sans attendre."},
	  {"Ihr Passwort wurde geändert",
	   "Das Passwort für {email} wurde geändert.\n\n"
	   "Falls Sie es nicht waren, fordern Sie sofort ein neues an."}}},
	{"invitation",
	 {{"Your account is ready",
	   "An account was made for you, with the address {email}.\n\n"
	   "Choose your password here:\n\n{link}\n\n"
	   "The link works once, for a few days. If it has expired, ask for a new password."},
	  {"Votre compte est prêt",
	   "Un compte a été créé pour vous, avec l'adresse {email}.\n\n"
	   "Choisissez votre mot de passe ici :\n\n{link}\n\n"
	   "Le lien ne sert qu'une fois et expire après quelques jours. Ensuite, demandez un nouveau mot de passe."},
	  {"Ihr Konto ist bereit",
	   "Für Sie wurde ein Konto mit der Adresse {email} angelegt.\n\n"
	   "Legen Sie hier Ihr Passwort fest:\n\n{link}\n\n"
	   "Der Link funktioniert einmal und läuft nach einigen Tagen ab. Fordern Sie danach ein neues Passwort an."}}},
	{"sign_up",
	 {{"Confirm your address",
	   "Somebody, probably you, signed up with {email}.\n\n"
	   "Confirm the address here:\n\n{link}\n\n"
	   "The link works once, for 24 hours. Afterwards you can log in with the password that you chose.\n\n"
	   "If it was not you, do nothing: no account will be made."},
	  {"Confirmez votre adresse",
	   "Quelqu'un, sans doute vous, s'est inscrit avec {email}.\n\n"
	   "Confirmez l'adresse ici :\n\n{link}\n\n"
	   "Le lien ne sert qu'une fois, pendant 24 heures. Ensuite, vous pourrez vous connecter avec le mot de passe "
	   "choisi.\n\n"
	   "Si ce n'était pas vous, ne faites rien : aucun compte ne sera créé."},
	  {"Bestätigen Sie Ihre Adresse",
	   "Jemand, vermutlich Sie, hat sich mit {email} registriert.\n\n"
	   "Bestätigen Sie die Adresse hier:\n\n{link}\n\n"
	   "Der Link funktioniert einmal, 24 Stunden lang. Danach können Sie sich mit dem gewählten Passwort "
	   "anmelden.\n\n"
	   "Falls Sie es nicht waren, tun Sie nichts: Es wird kein Konto angelegt."}}},
	{"sign_up_known",
	 {{"You have an account already",
	   "Somebody, probably you, wanted to use {email} for an account. There is one with this address already, "
	   "and nothing was changed.\n\n"
	   "If you do not know its password, ask for a new one. If it was not you, do nothing."},
	  {"Vous avez déjà un compte",
	   "Quelqu'un, sans doute vous, a voulu utiliser {email} pour un compte. Il en existe déjà un avec cette "
	   "adresse, et rien n'a été modifié.\n\n"
	   "Si vous n'en connaissez pas le mot de passe, demandez-en un nouveau. Si ce n'était pas vous, ne faites rien."},
	  {"Sie haben bereits ein Konto",
	   "Jemand, vermutlich Sie, wollte {email} für ein Konto verwenden. Es gibt schon eines mit dieser Adresse, und "
	   "nichts wurde geändert.\n\n"
	   "Falls Sie das Passwort nicht kennen, fordern Sie ein neues an. Falls Sie es nicht waren, tun Sie nichts."}}},
	{"email_change",
	 {{"Confirm your new address",
	   "Somebody, probably you, wants to use {email} for an account from now on.\n\n"
	   "Confirm the new address here:\n\n{link}\n\n"
	   "The link works once, for 24 hours. Until then the former address stays.\n\n"
	   "If it was not you, do nothing: nothing will be changed."},
	  {"Confirmez votre nouvelle adresse",
	   "Quelqu'un, sans doute vous, veut désormais utiliser {email} pour un compte.\n\n"
	   "Confirmez la nouvelle adresse ici :\n\n{link}\n\n"
	   "Le lien ne sert qu'une fois, pendant 24 heures. D'ici là, l'ancienne adresse reste valable.\n\n"
	   "Si ce n'était pas vous, ne faites rien : rien ne sera modifié."},
	  {"Bestätigen Sie Ihre neue Adresse",
	   "Jemand, vermutlich Sie, möchte ab jetzt {email} für ein Konto verwenden.\n\n"
	   "Bestätigen Sie die neue Adresse hier:\n\n{link}\n\n"
	   "Der Link funktioniert einmal, 24 Stunden lang. Bis dahin gilt die bisherige Adresse.\n\n"
	   "Falls Sie es nicht waren, tun Sie nichts: Es wird nichts geändert."}}},
	{"email_changed",
	 {{"Your address was changed",
	   "The address of your account is no longer {email}.\n\n"
	   "If it was not you, put it back here:\n\n{link}\n\n"
	   "The link works for 72 hours. It ends all sessions, and you will need a new password."},
	  {"Votre adresse a été modifiée",
	   "L'adresse de votre compte n'est plus {email}.\n\n"
	   "Si ce n'était pas vous, rétablissez-la ici :\n\n{link}\n\n"
	   "Le lien est valable 72 heures. Il ferme toutes les sessions, et il vous faudra un nouveau mot de passe."},
	  {"Ihre Adresse wurde geändert",
	   "Die Adresse Ihres Kontos ist nicht mehr {email}.\n\n"
	   "Falls Sie es nicht waren, machen Sie es hier rückgängig:\n\n{link}\n\n"
	   "Der Link funktioniert 72 Stunden lang. Er beendet alle Sitzungen, und Sie brauchen ein neues Passwort."}}},
	{"account_suspended",
	 {{"Your password was suspended",
	   "Somebody tried too many wrong passwords for {email}. Nobody can log in with a password until a new one is "
	   "set.\n\n"
	   "Ask for a new password to use your account again."},
	  {"Votre mot de passe a été suspendu",
	   "Quelqu'un a essayé trop de mots de passe erronés pour {email}. Personne ne peut plus se connecter par mot de "
	   "passe avant qu'un nouveau ne soit choisi.\n\n"
	   "Demandez un nouveau mot de passe pour utiliser de nouveau votre compte."},
	  {"Ihr Passwort wurde gesperrt",
	   "Jemand hat zu viele falsche Passwörter für {email} ausprobiert. Niemand kann sich mit einem Passwort "
	   "anmelden, bis ein neues festgelegt ist.\n\n"
	   "Fordern Sie ein neues Passwort an, um Ihr Konto wieder zu benutzen."}}},
	{"new_device",
	 {{"A new device logged in",
	   "Somebody logged in as {email} from a device that was not used before.\n\n"
	   "If it was not you, ask for a new password at once: that ends all sessions."},
	  {"Connexion depuis un nouvel appareil",
	   "Quelqu'un s'est connecté avec {email} depuis un appareil jusqu'ici inconnu.\n\n"
	   "Si ce n'était pas vous, demandez sans attendre un nouveau mot de passe : cela ferme toutes les sessions."},
	  {"Anmeldung von einem neuen Gerät",
	   "Jemand hat sich als {email} von einem bisher unbekannten Gerät angemeldet.\n\n"
	   "Falls Sie es nicht waren, fordern Sie sofort ein neues Passwort an: Das beendet alle Sitzungen."}}},
};

static bool
has_latin1(void)
{
	switch (database_encoding())
	{
		case PG_UTF8:
		case PG_LATIN1:
		case PG_LATIN9:
		case PG_WIN1252:
			return true;
		default:
			return false;
	}
}

/* English for all others. */
static int
language_of(const char *locale)
{
	return locale && has_latin1() ? Max(language_for_locale(language_tags(), LANGUAGES, slice_of(locale)), 0) : 0;
}

static void
append_paragraph(StringInfo out, Slice text)
{
	static const char link[] = "{link}";

	appendStringInfoString(out, "<p>");
	if (slice_equal(text, slice_of(link)))
		appendStringInfo(out, "<a href=\"%s\">%s</a>", link, link);
	else
		html_append(out, text);
	appendStringInfoString(out, "</p>\n");
}

static char *
html_of(const char *body)
{
	StringInfoData out;
	const char *end;

	initStringInfo(&out);
	for (; (end = strstr(body, "\n\n")) != NULL; body = end + 2)
		append_paragraph(&out, (Slice){body, (size_t) (end - body)});
	append_paragraph(&out, slice_of(body));
	return out.data;
}

static char *
in_database(char *utf8)
{
	return database_from_utf8(utf8, strlen(utf8));
}

bool
mail_text(const char *kind, const char *locale, TemplateRow *row)
{
	int i;

	for (i = 0; i < lengthof(texts); i++)
		if (strcmp(kind, texts[i].kind) == 0)
		{
			const MailText *text = &texts[i].text[language_of(locale)];

			row->subject = in_database(pstrdup(text->subject));
			row->body_text = in_database(psprintf("%s\n", text->body));
			row->body_html = in_database(html_of(text->body));
			return true;
		}
	return false;
}

/*
 * page_text.c
 *		Owns the texts of the pages, and the choice of their language.
 *
 * Administrators replace texts, and add languages, in djust_auth.page_text; what
 * they did not write is built in, in English for a language that is not.
 */
#include "postgres.h"

#include "http/html.h"
#include "http/page_text.h"
#include "http/postgrest.h"
#include "tables/catalog.h"
#include "text/bytes.h"
#include "text/language.h"

#define TAG_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* French sets a no-break space before a colon, a narrow one before a semicolon. */
static const struct
{
	const char *key; /* in djust_auth.page_text */
	const char *in[LANGUAGES];
} texts[PAGE_TEXTS] = {
	[PAGE_SHOW_PASSWORD] = {"show_password", {"Show password", "Afficher le mot de passe", "Passwort anzeigen"}},
	[PAGE_RULE_LENGTH] = {"rule_length",
						  {"At least {n} characters", "Au moins {n} caractères", "Mindestens {n} Zeichen"}},
	[PAGE_RULE_UPPERCASE] = {"rule_uppercase",
							 {"A capital letter, A to Z", "Une majuscule, de A à Z", "Ein Großbuchstabe, A bis Z"}},
	[PAGE_RULE_LOWERCASE] = {"rule_lowercase",
							 {"A small letter, a to z", "Une minuscule, de a à z", "Ein Kleinbuchstabe, a bis z"}},
	[PAGE_RULE_DIGIT] = {"rule_digit", {"A digit, 0 to 9", "Un chiffre, de 0 à 9", "Eine Ziffer, 0 bis 9"}},
	[PAGE_RULE_SPECIAL] = {"rule_special",
						   {"A special character:", "Un caractère spécial\u00a0:", "Ein Sonderzeichen:"}},
	[PAGE_MET] = {"met", {"met", "critère rempli", "erfüllt"}},
	[PAGE_UNMET] = {"unmet", {"not met", "critère non rempli", "nicht erfüllt"}},
	[PAGE_WEAK_PASSWORD] = {"weak_password",
							{"This password was not accepted.",
							 "Ce mot de passe n’a pas été accepté.",
							 "Dieses Passwort wurde nicht angenommen."}},
	[PAGE_TOO_LONG] = {"too_long",
					   {"It is longer than 1024 bytes.",
						"Il dépasse 1\u202f024 octets.",
						"Es ist länger als 1024 Byte."}},
	[PAGE_TOO_COMMON] = {"too_common",
						 {"It is one of those that are guessed first. Choose another.",
						  "Il fait partie de ceux que l’on devine en premier. Choisissez-en un autre.",
						  "Es gehört zu denen, die zuerst erraten werden. Wählen Sie ein anderes."}},
	[PAGE_INVALID_LINK] = {"invalid_link",
						   {"This link is no longer valid. Ask for a new one.",
							"Ce lien n’est plus valable. Demandez-en un nouveau.",
							"Dieser Link ist nicht mehr gültig. Fordern Sie einen neuen an."}},
	[PAGE_UNAVAILABLE] = {"unavailable",
						  {"The server is busy. Try again in a moment.",
						   "Le serveur est surchargé. Réessayez dans un instant.",
						   "Der Server ist ausgelastet. Versuchen Sie es gleich noch einmal."}},
	[PAGE_TOO_MANY] = {"too_many",
					   {"Too many attempts. Try again later.",
						"Trop de tentatives. Réessayez plus tard.",
						"Zu viele Versuche. Versuchen Sie es später noch einmal."}},
	[PAGE_RESET_TITLE] = {"reset_title",
						  {"Choose a new password", "Choisissez un nouveau mot de passe", "Neues Passwort wählen"}},
	[PAGE_RESET_LABEL] = {"reset_label", {"New password", "Nouveau mot de passe", "Neues Passwort"}},
	[PAGE_RESET_BUTTON] = {"reset_button",
						   {"Set new password", "Enregistrer le nouveau mot de passe", "Neues Passwort speichern"}},
	[PAGE_RESET_DONE_TITLE] = {"reset_done_title", {"Password changed", "Mot de passe modifié", "Passwort geändert"}},
	[PAGE_RESET_DONE] = {"reset_done",
						 {"Your new password is set. You can log in with it now; all earlier sessions have ended.",
						  "Votre nouveau mot de passe est enregistré. Vous pouvez maintenant l’utiliser pour vous "
						  "connecter\u202f; toutes les sessions précédentes sont fermées.",
						  "Ihr neues Passwort ist gespeichert. Sie können sich jetzt damit anmelden; alle früheren "
						  "Sitzungen sind beendet."}},
	[PAGE_SIGN_UP_TITLE] = {"sign_up_title", {"Create an account", "Créer un compte", "Konto anlegen"}},
	[PAGE_SIGN_UP_EMAIL] = {"sign_up_email", {"Email address", "Adresse e-mail", "E-Mail-Adresse"}},
	[PAGE_SIGN_UP_PASSWORD] = {"sign_up_password", {"Password", "Mot de passe", "Passwort"}},
	[PAGE_SIGN_UP_BUTTON] = {"sign_up_button", {"Create account", "Créer le compte", "Konto anlegen"}},
	[PAGE_SIGN_UP_BAD_EMAIL] =
		{"sign_up_bad_email",
		 {"No mail can reach this email address. Check how it is spelled.",
		  "Aucun message ne peut parvenir à cette adresse e-mail. Vérifiez son orthographe.",
		  "Diese E-Mail-Adresse kann keine Nachrichten empfangen. Prüfen Sie die Schreibweise."}},
	[PAGE_SIGN_UP_DONE_TITLE] = {"sign_up_done_title",
								 {"Check your mail", "Consultez vos e-mails", "Sehen Sie in Ihr Postfach"}},
	[PAGE_SIGN_UP_DONE] =
		{"sign_up_done",
		 {"We are sending you a mail. It says how to go on; a link in it works for 24 hours.",
		  "Nous vous envoyons un e-mail. Il indique comment continuer\u202f; le lien qu’il contient est "
		  "valable 24 heures.",
		  "Sie erhalten eine E-Mail. Darin steht, wie es weitergeht; ein Link darin gilt 24 Stunden."}},
	[PAGE_SIGN_UP_OFF_TITLE] = {"sign_up_off_title", {"No sign-up", "Inscription indisponible", "Keine Registrierung"}},
	[PAGE_SIGN_UP_OFF] = {"sign_up_off",
						  {"Accounts cannot be created here.",
						   "Il n’est pas possible de créer un compte ici.",
						   "Hier können keine Konten angelegt werden."}},
	[PAGE_CONFIRM_TITLE] = {"confirm_title",
							{"Confirm your email address",
							 "Confirmez votre adresse e-mail",
							 "E-Mail-Adresse bestätigen"}},
	[PAGE_CONFIRM_TEXT] =
		{"confirm_text",
		 {"Use the button to confirm that the address is yours and that you asked for this mail.",
		  "Utilisez le bouton pour confirmer que l’adresse est la vôtre et que vous avez demandé cet "
		  "e-mail.",
		  "Bestätigen Sie mit der Schaltfläche, dass die Adresse Ihnen gehört und dass Sie diese E-Mail "
		  "angefordert haben."}},
	[PAGE_CONFIRM_BUTTON] = {"confirm_button",
							 {"Confirm this address", "Confirmer cette adresse", "Diese Adresse bestätigen"}},
	[PAGE_CONFIRM_INVALID] =
		{"confirm_invalid",
		 {"This link is no longer valid. If you have used it before, your address is confirmed and "
		  "you can log in. If not, start again.",
		  "Ce lien n’est plus valable. Si vous l’avez déjà utilisé, votre adresse est "
		  "confirmée et vous pouvez vous connecter. Sinon, recommencez.",
		  "Dieser Link ist nicht mehr gültig. Wenn Sie ihn schon verwendet haben, ist Ihre "
		  "Adresse bestätigt, und Sie können sich anmelden. Wenn nicht, beginnen Sie von vorn."}},
	[PAGE_CONFIRM_DONE_TITLE] = {"confirm_done_title",
								 {"Address confirmed", "Adresse confirmée", "E-Mail-Adresse bestätigt"}},
	[PAGE_CONFIRM_DONE] = {"confirm_done",
						   {"Your email address is confirmed. You can log in with it now.",
							"Votre adresse e-mail est confirmée. Vous pouvez maintenant l’utiliser pour vous "
							"connecter.",
							"Ihre E-Mail-Adresse ist bestätigt. Sie können sich jetzt damit anmelden."}},
	[PAGE_REVERT_TITLE] = {"revert_title",
						   {"Put your email address back",
							"Rétablir votre adresse e-mail",
							"E-Mail-Adresse wiederherstellen"}},
	[PAGE_REVERT_TEXT] =
		{"revert_text",
		 {"Use the button if it was not you who changed the email address of your account. The former "
		  "address comes back, all sessions end, and the password is locked until you set a new one.",
		  "Utilisez le bouton si ce n’est pas vous qui avez modifié l’adresse e-mail de votre compte. "
		  "L’ancienne adresse est alors rétablie, toutes les sessions sont fermées et le mot de passe est "
		  "bloqué jusqu’à ce que vous en choisissiez un nouveau.",
		  "Verwenden Sie die Schaltfläche, wenn nicht Sie die E-Mail-Adresse Ihres Kontos geändert haben. "
		  "Dann gilt wieder die frühere Adresse, alle Sitzungen werden beendet, und das Passwort ist "
		  "gesperrt, bis Sie ein neues wählen."}},
	[PAGE_REVERT_BUTTON] = {"revert_button",
							{"Put the address back", "Rétablir l’adresse", "Adresse wiederherstellen"}},
	[PAGE_REVERT_INVALID] =
		{"revert_invalid",
		 {"This link is no longer valid. If you have used it before, the former address is back.",
		  "Ce lien n’est plus valable. Si vous l’avez déjà utilisé, l’ancienne adresse est rétablie.",
		  "Dieser Link ist nicht mehr gültig. Wenn Sie ihn schon verwendet haben, gilt wieder die "
		  "frühere Adresse."}},
	[PAGE_REVERT_DONE_TITLE] = {"revert_done_title",
								{"Address put back", "Adresse rétablie", "Adresse wiederhergestellt"}},
	[PAGE_REVERT_DONE] =
		{"revert_done",
		 {"Your former email address is back, and all sessions have ended. Ask for a new password before "
		  "you log in.",
		  "Votre ancienne adresse e-mail est rétablie et toutes les sessions sont fermées. Demandez un "
		  "nouveau mot de passe avant de vous connecter.",
		  "Ihre frühere E-Mail-Adresse gilt wieder, und alle Sitzungen sind beendet. Fordern Sie ein "
		  "neues Passwort an, bevor Sie sich anmelden."}},
};

/* Tags of the built-in languages, then those in which an administrator wrote texts. */
static const char **
offered_tags(const List *rows, size_t *count)
{
	const char **tags = palloc(sizeof(char *) * (LANGUAGES + list_length(rows)));
	const ListCell *cell;

	memcpy(tags, language_tags(), LANGUAGES * sizeof(*tags));
	*count = LANGUAGES;
	foreach(cell, rows)
	{
		const char *tag = ((const PageTextRow *) lfirst(cell))->locale;

		/* it goes into headers and HTML; the table has a constraint, which its owner can drop */
		if (strspn(tag, TAG_CHARACTERS) == strlen(tag))
			tags[(*count)++] = tag;
	}
	return tags;
}

void
page_texts_load(PageTexts *texts_of)
{
	const char *header = postgrest_accept_language();
	size_t count;
	const char **tags;
	char *c;
	int found;

	texts_of->rows = catalog_page_texts();
	tags = offered_tags(texts_of->rows, &count);
	found = header ? language_for_header(tags, count, slice_of(header)) : -1;
	texts_of->language = pstrdup(tags[found < 0 ? LANGUAGE_ENGLISH : found]);
	for (c = texts_of->language; *c; c++)
		if (*c == '_')
			*c = '-';
}

const char *
page_language(void)
{
	PageTexts texts_of;

	page_texts_load(&texts_of);
	return texts_of.language;
}

/* The administrator's text in the language, or in the one that it is a kind of; NULL if there is none. */
static const char *
written(const List *rows, PageText text, const char *language)
{
	const char *best = NULL;
	int longest = -1;
	const ListCell *cell;

	foreach(cell, rows)
	{
		const PageTextRow *row = lfirst(cell);
		bool same = strcmp(row->key, texts[text].key) == 0;
		int fit = same ? language_fit(slice_of(row->locale), slice_of(language)) : -1;

		if (fit <= longest)
			continue;
		longest = fit;
		best = row->text;
	}
	return best;
}

static void
append_with_number(StringInfo out, const char *value, int n, void (*append)(StringInfo, Slice))
{
	const char *place = strstr(value, "{n}");

	append(out, (Slice){value, place ? place - value : strlen(value)});
	if (place == NULL)
		return;
	appendStringInfo(out, "%d", n);
	append(out, slice_of(place + 3));
}

void
page_text_append(StringInfo out, const PageTexts *texts_of, PageText text, int n)
{
	int built_in = language_for_locale(language_tags(), LANGUAGES, slice_of(texts_of->language));
	const char *value = written(texts_of->rows, text, texts_of->language);

	if (value == NULL && built_in < 0)
	{
		built_in = LANGUAGE_ENGLISH;
		value = written(texts_of->rows, text, language_tags()[built_in]);
	}
	if (value)
		append_with_number(out, value, n, html_append);
	else
		append_with_number(out, texts[text].in[built_in], n, html_append_utf8);
}

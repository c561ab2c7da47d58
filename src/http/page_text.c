/*
 * page_text.c
 *		Owns the texts of the pages, and the choice of their language.
 */
#include "postgres.h"

#include "http/html.h"
#include "http/page_text.h"
#include "http/postgrest.h"
#include "text/bytes.h"
#include "text/language.h"

/* French sets a no-break space before a colon, a narrow one before a semicolon. */
static const char *const texts[PAGE_TEXTS][LANGUAGES] = {
	[PAGE_SHOW_PASSWORD] = {"Show password", "Afficher le mot de passe", "Passwort anzeigen"},
	[PAGE_RULE_LENGTH] = {"At least {n} characters", "Au moins {n} caractères", "Mindestens {n} Zeichen"},
	[PAGE_RULE_UPPERCASE] = {"A capital letter, A to Z", "Une majuscule, de A à Z", "Ein Großbuchstabe, A bis Z"},
	[PAGE_RULE_LOWERCASE] = {"A small letter, a to z", "Une minuscule, de a à z", "Ein Kleinbuchstabe, a bis z"},
	[PAGE_RULE_DIGIT] = {"A digit, 0 to 9", "Un chiffre, de 0 à 9", "Eine Ziffer, 0 bis 9"},
	[PAGE_RULE_SPECIAL] = {"A special character:", "Un caractère spécial\u00a0:", "Ein Sonderzeichen:"},
	[PAGE_MET] = {"met", "critère rempli", "erfüllt"},
	[PAGE_UNMET] = {"not met", "critère non rempli", "nicht erfüllt"},
	[PAGE_WEAK_PASSWORD] = {"This password was not accepted.",
							"Ce mot de passe n’a pas été accepté.",
							"Dieses Passwort wurde nicht angenommen."},
	[PAGE_TOO_LONG] = {"It is longer than 1024 bytes.",
					   "Il dépasse 1\u202f024 octets.",
					   "Es ist länger als 1024 Byte."},
	[PAGE_TOO_COMMON] = {"It is one of those that are guessed first. Choose another.",
						 "Il fait partie de ceux que l’on devine en premier. Choisissez-en un autre.",
						 "Es gehört zu denen, die zuerst erraten werden. Wählen Sie ein anderes."},
	[PAGE_INVALID_LINK] = {"This link is no longer valid. Ask for a new one.",
						   "Ce lien n’est plus valable. Demandez-en un nouveau.",
						   "Dieser Link ist nicht mehr gültig. Fordern Sie einen neuen an."},
	[PAGE_UNAVAILABLE] = {"The server is busy. Try again in a moment.",
						  "Le serveur est surchargé. Réessayez dans un instant.",
						  "Der Server ist ausgelastet. Versuchen Sie es gleich noch einmal."},
	[PAGE_RESET_TITLE] = {"Choose a new password", "Choisissez un nouveau mot de passe", "Neues Passwort wählen"},
	[PAGE_RESET_LABEL] = {"New password", "Nouveau mot de passe", "Neues Passwort"},
	[PAGE_RESET_BUTTON] = {"Set new password", "Enregistrer le nouveau mot de passe", "Neues Passwort speichern"},
	[PAGE_RESET_DONE_TITLE] = {"Password changed", "Mot de passe modifié", "Passwort geändert"},
	[PAGE_RESET_DONE] = {"Your new password is set. You can log in with it now; all earlier sessions have ended.",
						 "Votre nouveau mot de passe est enregistré. Vous pouvez maintenant l’utiliser pour vous "
						 "connecter\u202f; toutes les sessions précédentes sont fermées.",
						 "Ihr neues Passwort ist gespeichert. Sie können sich jetzt damit anmelden; alle früheren "
						 "Sitzungen sind beendet."},
};

const char *
page_language(void)
{
	const char *header = postgrest_accept_language();
	int found = header ? language_for_header(language_tags, LANGUAGES, slice_of(header)) : -1;

	return language_tags[found < 0 ? LANGUAGE_ENGLISH : found];
}

void
page_text_append(StringInfo out, PageText text, const char *language, int n)
{
	int found = language_for_locale(language_tags, LANGUAGES, slice_of(language));
	const char *value = texts[text][found < 0 ? LANGUAGE_ENGLISH : found];
	const char *place = strstr(value, "{n}");

	if (place == NULL)
	{
		html_append_utf8(out, slice_of(value));
		return;
	}
	html_append_utf8(out, (Slice){value, place - value});
	appendStringInfo(out, "%d", n);
	html_append_utf8(out, slice_of(place + 3));
}

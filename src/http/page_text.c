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
	[PAGE_TOO_MANY] = {"Too many attempts. Try again later.",
					   "Trop de tentatives. Réessayez plus tard.",
					   "Zu viele Versuche. Versuchen Sie es später noch einmal."},
	[PAGE_RESET_TITLE] = {"Choose a new password", "Choisissez un nouveau mot de passe", "Neues Passwort wählen"},
	[PAGE_RESET_LABEL] = {"New password", "Nouveau mot de passe", "Neues Passwort"},
	[PAGE_RESET_BUTTON] = {"Set new password", "Enregistrer le nouveau mot de passe", "Neues Passwort speichern"},
	[PAGE_RESET_DONE_TITLE] = {"Password changed", "Mot de passe modifié", "Passwort geändert"},
	[PAGE_RESET_DONE] = {"Your new password is set. You can log in with it now; all earlier sessions have ended.",
						 "Votre nouveau mot de passe est enregistré. Vous pouvez maintenant l’utiliser pour vous "
						 "connecter\u202f; toutes les sessions précédentes sont fermées.",
						 "Ihr neues Passwort ist gespeichert. Sie können sich jetzt damit anmelden; alle früheren "
						 "Sitzungen sind beendet."},
	[PAGE_SIGN_UP_TITLE] = {"Create an account", "Créer un compte", "Konto anlegen"},
	[PAGE_SIGN_UP_EMAIL] = {"Email address", "Adresse e-mail", "E-Mail-Adresse"},
	[PAGE_SIGN_UP_PASSWORD] = {"Password", "Mot de passe", "Passwort"},
	[PAGE_SIGN_UP_BUTTON] = {"Create account", "Créer le compte", "Konto anlegen"},
	[PAGE_SIGN_UP_BAD_EMAIL] = {"No mail can reach this email address. Check how it is spelled.",
								"Aucun message ne peut parvenir à cette adresse e-mail. Vérifiez son orthographe.",
								"Diese E-Mail-Adresse kann keine Nachrichten empfangen. Prüfen Sie die Schreibweise."},
	[PAGE_SIGN_UP_DONE_TITLE] = {"Check your mail", "Consultez vos e-mails", "Sehen Sie in Ihr Postfach"},
	[PAGE_SIGN_UP_DONE] =
		{"We are sending you a mail. It says how to go on; a link in it works for 24 hours.",
		 "Nous vous envoyons un e-mail. Il indique comment continuer\u202f; le lien qu’il contient est "
		 "valable 24 heures.",
		 "Sie erhalten eine E-Mail. Darin steht, wie es weitergeht; ein Link darin gilt 24 Stunden."},
	[PAGE_SIGN_UP_OFF_TITLE] = {"No sign-up", "Inscription indisponible", "Keine Registrierung"},
	[PAGE_SIGN_UP_OFF] = {"Accounts cannot be created here.",
						  "Il n’est pas possible de créer un compte ici.",
						  "Hier können keine Konten angelegt werden."},
	[PAGE_CONFIRM_TITLE] = {"Confirm your email address",
							"Confirmez votre adresse e-mail",
							"E-Mail-Adresse bestätigen"},
	[PAGE_CONFIRM_TEXT] =
		{"Use the button to confirm that the address is yours and that you asked for this mail.",
		 "Utilisez le bouton pour confirmer que l’adresse est la vôtre et que vous avez demandé cet "
		 "e-mail.",
		 "Bestätigen Sie mit der Schaltfläche, dass die Adresse Ihnen gehört und dass Sie diese E-Mail "
		 "angefordert haben."},
	[PAGE_CONFIRM_BUTTON] = {"Confirm this address", "Confirmer cette adresse", "Diese Adresse bestätigen"},
	[PAGE_CONFIRM_INVALID] = {"This link is no longer valid. If you have used it before, your address is confirmed and "
							  "you can log in. If not, start again.",
							  "Ce lien n’est plus valable. Si vous l’avez déjà utilisé, votre adresse est "
							  "confirmée et vous pouvez vous connecter. Sinon, recommencez.",
							  "Dieser Link ist nicht mehr gültig. Wenn Sie ihn schon verwendet haben, ist Ihre "
							  "Adresse bestätigt, und Sie können sich anmelden. Wenn nicht, beginnen Sie von vorn."},
	[PAGE_CONFIRM_DONE_TITLE] = {"Address confirmed", "Adresse confirmée", "Adresse bestätigt"},
	[PAGE_CONFIRM_DONE] = {"Your email address is confirmed. You can log in with it now.",
						   "Votre adresse e-mail est confirmée. Vous pouvez maintenant l’utiliser pour vous "
						   "connecter.",
						   "Ihre E-Mail-Adresse ist bestätigt. Sie können sich jetzt damit anmelden."},
	[PAGE_REVERT_TITLE] = {"Put your email address back",
						   "Rétablir votre adresse e-mail",
						   "E-Mail-Adresse wiederherstellen"},
	[PAGE_REVERT_TEXT] =
		{"Use the button if it was not you who changed the email address of your account. The former "
		 "address comes back, all sessions end, and the password is locked until you set a new one.",
		 "Utilisez le bouton si ce n’est pas vous qui avez modifié l’adresse e-mail de votre compte. "
		 "L’ancienne adresse est alors rétablie, toutes les sessions sont fermées et le mot de passe est "
		 "bloqué jusqu’à ce que vous en choisissiez un nouveau.",
		 "Verwenden Sie die Schaltfläche, wenn nicht Sie die E-Mail-Adresse Ihres Kontos geändert haben. "
		 "Dann gilt wieder die frühere Adresse, alle Sitzungen werden beendet, und das Passwort ist "
		 "gesperrt, bis Sie ein neues wählen."},
	[PAGE_REVERT_BUTTON] = {"Put the address back", "Rétablir l’adresse", "Adresse wiederherstellen"},
	[PAGE_REVERT_INVALID] =
		{"This link is no longer valid. If you have used it before, the former address is back.",
		 "Ce lien n’est plus valable. Si vous l’avez déjà utilisé, l’ancienne adresse est rétablie.",
		 "Dieser Link ist nicht mehr gültig. Wenn Sie ihn schon verwendet haben, gilt wieder die "
		 "frühere Adresse."},
	[PAGE_REVERT_DONE_TITLE] = {"Address put back", "Adresse rétablie", "Adresse wiederhergestellt"},
	[PAGE_REVERT_DONE] =
		{"Your former email address is back, and all sessions have ended. Ask for a new password before "
		 "you log in.",
		 "Votre ancienne adresse e-mail est rétablie et toutes les sessions sont fermées. Demandez un "
		 "nouveau mot de passe avant de vous connecter.",
		 "Ihre frühere E-Mail-Adresse gilt wieder, und alle Sitzungen sind beendet. Fordern Sie ein "
		 "neues Passwort an, bevor Sie sich anmelden."},
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

import { defineMessages } from "../i18n/translate";

/** Whole-screen problems: heading, then what to do. */
export const problemMessages = defineMessages({
  unknownTitle: ["No meeting has this code", "Zu diesem Code gibt es kein Meeting"],
  unknownText: [
    "Check the last group of letters, or ask for the link again.",
    "Prüfen Sie die letzte Buchstabengruppe oder bitten Sie erneut um den Link.",
  ],
  expiredTitle: ["This link is no longer valid", "Dieser Link gilt nicht mehr"],
  expiredText: [
    "This link was valid until {date}. Ask for a new one.",
    "Dieser Link galt bis {date}. Bitten Sie um einen neuen.",
  ],
  expiredMore: [
    "It was valid until {date}. Ask for a new one.",
    "Er galt bis {date}. Bitten Sie um einen neuen.",
  ],
  expiredTextNoDate: ["Ask for a new one.", "Bitten Sie um einen neuen."],
  endedTitle: ["The meeting has ended.", "Das Meeting ist beendet."],
  endedText: [
    "Nobody can join it any more. Start a new one, or ask the host for another link.",
    "Niemand kann mehr beitreten. Starten Sie ein neues oder bitten Sie den Host um einen anderen Link.",
  ],
  endedTextNoCreation: [
    "Nobody can join it any more. Ask the host for another link.",
    "Niemand kann mehr beitreten. Bitten Sie den Host um einen anderen Link.",
  ],
  cancelledTitle: ["The meeting was cancelled", "Das Meeting wurde abgesagt"],
  cancelledText: ["Ask the host if there is another date.", "Fragen Sie den Host nach einem neuen Termin."],
  lockedTitle: ["The meeting is locked", "Das Meeting ist gesperrt"],
  lockedText: [
    "The host lets nobody else in at the moment. Tell the host that you are here, then try again.",
    "Der Host lässt gerade niemanden mehr hinein. Sagen Sie dem Host Bescheid und versuchen Sie es dann erneut.",
  ],
  fullTitle: ["The meeting is full", "Das Meeting ist voll"],
  fullText: [
    "All {max} places are taken. You can join as soon as somebody leaves.",
    "Alle {max} Plätze sind belegt. Sie können beitreten, sobald jemand geht.",
  ],
  fullTextNoNumber: [
    "All places are taken. You can join as soon as somebody leaves.",
    "Alle Plätze sind belegt. Sie können beitreten, sobald jemand geht.",
  ],
  removedTitle: ["The host removed you.", "Der Host hat Sie entfernt."],
  removedText: [
    "You cannot come back into this meeting. If this was a mistake, ask the host.",
    "Sie können nicht in dieses Meeting zurück. War das ein Versehen, fragen Sie den Host.",
  ],
  hostLinkInvalidTitle: [
    "This host link is not valid for this meeting",
    "Dieser Host-Link gilt nicht für dieses Meeting",
  ],
  hostLinkInvalidText: ["You can join as a guest.", "Sie können als Gast beitreten."],
  passwordRequiredTitle: ["This meeting has a password", "Dieses Meeting hat ein Passwort"],
  passwordRequiredText: [
    "Enter the meeting's password. The host knows it.",
    "Geben Sie das Passwort des Meetings ein. Der Host kennt es.",
  ],
  passwordWrongTitle: ["The password is not right", "Das Passwort stimmt nicht"],
  passwordWrongText: [
    "This password is not right. Check it, or ask the host.",
    "Dieses Passwort stimmt nicht. Prüfen Sie es oder fragen Sie den Host.",
  ],
  networkTitle: ["The server cannot be reached", "Der Server ist nicht erreichbar"],
  networkText: [
    "Check Wi-Fi or VPN, then try again.",
    "Prüfen Sie WLAN oder VPN und versuchen Sie es erneut.",
  ],
  serverTitle: ["The server could not answer", "Der Server konnte nicht antworten"],
  serverText: [
    "The server could not answer. Your input is still here. Try again. Code\u00a0{code}",
    "Der Server konnte nicht antworten. Ihre Eingaben sind noch da. Bitte erneut versuchen. Code\u00a0{code}",
  ],
  serverMore: [
    "Your input is still here. Try again. Code\u00a0{code}",
    "Ihre Eingaben sind noch da. Bitte erneut versuchen. Code\u00a0{code}",
  ],
  serverAgain: ["Try again. Code\u00a0{code}", "Bitte erneut versuchen. Code\u00a0{code}"],
  rateLimitedTitle: ["Too many tries", "Zu viele Versuche"],
  rateLimitedText: [
    "Too many tries. Possible again in {s}\u00a0s.",
    "Zu viele Versuche. Wieder möglich in {s}\u00a0s.",
  ],
  rateLimitedMore: ["Possible again in {s}\u00a0s.", "Wieder möglich in {s}\u00a0s."],
  rateLimitedOver: ["You can try again now.", "Sie können es jetzt erneut versuchen."],
  busyTitle: ["The server is at its limit", "Der Server ist ausgelastet"],
  busyText: [
    "The server takes no new calls at the moment. Possible again in {s}\u00a0s.",
    "Der Server nimmt gerade keine neuen Anrufe an. Wieder möglich in {s}\u00a0s.",
  ],
  createForbiddenTitle: ["Only members can create meetings here", "Meetings erstellen hier nur Mitglieder"],
  createForbiddenText: [
    "The operator of this server has switched this off for guests. Ask for a link instead.",
    "Der Betreiber dieses Servers hat das für Gäste ausgeschaltet. Bitten Sie stattdessen um einen Link.",
  ],
  notFoundTitle: ["There is nothing at this address.", "Unter dieser Adresse gibt es nichts."],
  notFoundText: [
    "If you were looking for a meeting, its code gets you there.",
    "Wenn Sie ein Meeting suchen: Mit seinem Code kommen Sie hin.",
  ],
  crashedTitle: ["This page has stopped working", "Diese Seite funktioniert nicht mehr"],
  crashedText: [
    "An error in our program stopped it. Load the page again to go on. Code\u00a0{code}",
    "Ein Fehler in unserem Programm hat sie angehalten. Laden Sie die Seite neu, um weiterzumachen. Code\u00a0{code}",
  ],
  reload: ["Load again", "Neu laden"],
  newMeeting: ["Create a new meeting", "Neues Meeting erstellen"],
  otherCode: ["Enter another code", "Anderen Code eingeben"],
});

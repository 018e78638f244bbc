import { defineMessages } from "../i18n/translate";

/** Why a line is weak, and why somebody is not heard. */
export const lineMessages = defineMessages({
  uploadSlow: [
    "Your upload is slow – we lowered your picture.",
    "Ihr Upload ist langsam – Ihr Bild wurde verkleinert.",
  ],
  downloadSlow: [
    "Your download is slow – some pictures stand still.",
    "Ihr Download ist langsam – manche Bilder stehen still.",
  ],
  lineLossy: [
    "Your line loses packets – sound and picture may break up.",
    "Ihre Leitung verliert Pakete – Ton und Bild können aussetzen.",
  ],
  lineSlow: [
    "Answers take long on your line – people may talk over each other.",
    "Antworten brauchen lange auf Ihrer Leitung – man fällt sich leicht ins Wort.",
  ],
  lineTcp: [
    "UDP is blocked on your network – over TCP sound and picture may stutter.",
    "Ihr Netz blockiert UDP – über TCP können Ton und Bild ruckeln.",
  ],
  lineWeak: ["Your connection is weak right now.", "Ihre Verbindung ist gerade schwach."],

  unheardSilent: [
    "Nobody hears you: your microphone is on but silent. Check its switch, its cable, or choose another one.",
    "Niemand hört Sie: Ihr Mikrofon ist an, aber still. Prüfen Sie Schalter und Kabel oder wählen Sie ein anderes.",
  ],
  unheardMuted: [
    "Nobody hears you: your system or a switch on the microphone holds it back. Check both, or choose another one.",
    "Niemand hört Sie: Ihr System oder ein Schalter am Mikrofon hält es zurück. Prüfen Sie beides oder wählen Sie ein anderes.",
  ],
  unheardEnded: [
    "Nobody hears you: your microphone is gone. Plug it in again, or choose another one.",
    "Niemand hört Sie: Ihr Mikrofon ist nicht mehr da. Schließen Sie es wieder an oder wählen Sie ein anderes.",
  ],
  unheardNothingSent: [
    "Nobody hears you: no sound leaves your browser. Mute and unmute, or load the page again.",
    "Niemand hört Sie: Kein Ton verlässt Ihren Browser. Schalten Sie das Mikrofon aus und ein oder laden Sie die Seite neu.",
  ],
  unheardUploadLost: [
    "Nobody hears you: your sound gets lost on the way out. Check Wi-Fi or VPN.",
    "Niemand hört Sie: Ihr Ton geht beim Senden verloren. Prüfen Sie WLAN oder VPN.",
  ],

  theirMicrophoneSilent: ["The microphone is on but silent.", "Das Mikrofon ist an, aber still."],
  nothingArrives: ["Nothing arrives from there.", "Von dort kommt nichts an."],
});

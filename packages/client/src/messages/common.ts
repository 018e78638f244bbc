import { defineMessages } from "../i18n/translate";

/** Texts of the frame and of the primitives. */
export const commonMessages = defineMessages({
  skip: ["Skip to content", "Zum Inhalt springen"],
  home: ["heydok, start page", "heydok, Startseite"],
  footer: ["About this server", "Über diesen Server"],
  selfTest: ["Test device and connection", "Gerät und Verbindung testen"],
  accessibility: ["Accessibility", "Barrierefreiheit"],
  privacy: ["Privacy", "Datenschutz"],
  developers: ["For developers", "Für Entwickler"],
  support: ["Contact support ({name})", "Support kontaktieren ({name})"],
  close: ["Close", "Schließen"],
  retry: ["Try again", "Erneut versuchen"],
  toStart: ["To the start page", "Zur Startseite"],
  loading: ["Loading…", "Wird geladen …"],
  slow: ["This takes longer than usual.", "Das dauert länger als sonst."],
  notifications: ["Notifications", "Mitteilungen"],
  dismiss: ["Dismiss", "Ausblenden"],
  language: ["Language", "Sprache"],
  theme: ["Colours", "Farben"],
  themeSystem: ["As the device", "Wie das Gerät"],
  themeLight: ["Light", "Hell"],
  themeDark: ["Dark", "Dunkel"],
  offline: [
    "You are offline. Changes are kept and sent when you are back.",
    "Sie sind offline. Änderungen bleiben erhalten und werden später gesendet.",
  ],
  online: ["You are online again.", "Sie sind wieder online."],
  update: [
    "A new version is ready. It loads after the meeting.",
    "Eine neue Version ist da. Sie lädt nach dem Meeting.",
  ],
  noHttps: [
    "Camera and microphone need a secure address (https).",
    "Kamera und Mikrofon brauchen eine sichere Adresse (https).",
  ],
});

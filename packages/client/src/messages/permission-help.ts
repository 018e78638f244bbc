import { defineMessages } from "../i18n/translate";

/** Where each browser and system hides the permission for camera and microphone. */
export const permissionHelpMessages = defineMessages({
  heading: ["How to allow it", "So erlauben Sie es"],
  others: ["Other browser", "Anderer Browser"],
  chromiumName: ["Chrome, Edge", "Chrome, Edge"],
  chromium: [
    "Icon left of the address › Camera, Microphone › Allow",
    "Symbol links der Adresse › Kamera, Mikrofon › Zulassen",
  ],
  firefoxName: ["Firefox", "Firefox"],
  firefox: [
    "Crossed-out device icon left of the address › × at Blocked",
    "Durchgestrichenes Gerätesymbol links der Adresse › × bei Blockiert",
  ],
  safariName: ["Safari", "Safari"],
  safari: [
    "Safari menu › Settings for this Website › Allow",
    "Menü Safari › Einstellungen für diese Website › Erlauben",
  ],
  iosSafariName: ["Safari on iPhone and iPad", "Safari auf iPhone und iPad"],
  iosSafari: [
    "Page menu in the address bar › Website Settings",
    "Seitenmenü in der Adressleiste › Website-Einstellungen",
  ],
  iosOtherName: ["Other browsers on iPhone and iPad", "Andere Browser auf iPhone und iPad"],
  iosOther: [
    "Settings › Apps › your browser › Camera, Microphone",
    "Einstellungen › Apps › Ihr Browser › Kamera, Mikrofon",
  ],
  androidChromeName: ["Chrome on Android", "Chrome auf Android"],
  androidChrome: ["Icon left of the address › Permissions", "Symbol links der Adresse › Berechtigungen"],
  androidFirefoxName: ["Firefox on Android", "Firefox auf Android"],
  androidFirefox: [
    "Icon left of the address › Permissions; also in the system: Settings › Apps › Firefox",
    "Symbol links der Adresse › Berechtigungen; auch im System: Einstellungen › Apps › Firefox",
  ],
  systemHeading: ["Your system blocks it", "Ihr System blockiert es"],
  macName: ["macOS", "macOS"],
  mac: [
    "System Settings › Privacy & Security › Camera, Microphone › switch your browser on",
    "Systemeinstellungen › Datenschutz & Sicherheit › Kamera, Mikrofon › Ihren Browser einschalten",
  ],
  windowsName: ["Windows", "Windows"],
  windows: [
    "Settings › Privacy & security › Camera, Microphone › let desktop apps use it",
    "Einstellungen › Datenschutz und Sicherheit › Kamera, Mikrofon › Desktop-Apps zulassen",
  ],
  otherSystemName: ["Your system", "Ihr System"],
  otherSystem: [
    "Allow your browser to use camera and microphone in the system's privacy settings.",
    "Erlauben Sie Ihrem Browser Kamera und Mikrofon in den Datenschutz-Einstellungen des Systems.",
  ],
});

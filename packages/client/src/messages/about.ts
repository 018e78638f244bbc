import { defineMessages } from "../i18n/translate";

/** Statements about this client. They say what is built, so they change with it. */
export const aboutMessages = defineMessages({
  accessibilityTitle: ["Accessibility", "Barrierefreiheit"],
  accessibilityLead: [
    "Meetings here are meant to be complete by keyboard, by screen reader, and at any size. The measure is WCAG 2.2, level AA.",
    "Meetings sollen hier mit Tastatur, Screenreader und in jeder Größe vollständig nutzbar sein. Maßstab ist WCAG 2.2, Stufe AA.",
  ],
  keyboardTitle: ["Keyboard", "Tastatur"],
  keyboardText: [
    "Everything is reached with Tab, Enter and the arrow keys, and focus never moves because somebody else did something. In a call, the question mark lists all shortcuts.",
    "Alles ist mit Tab, Enter und Pfeiltasten erreichbar, und der Fokus springt nie, weil jemand anderes etwas tut. Im Anruf zeigt das Fragezeichen alle Tastenkürzel.",
  ],
  readerTitle: ["Screen readers", "Screenreader"],
  readerText: [
    "Each control has a name, each screen one main heading, and what changes is announced. Buttons for microphone and camera are named after what a press does.",
    "Jedes Bedienelement hat einen Namen, jede Seite eine Hauptüberschrift, und Änderungen werden angesagt. Die Tasten für Mikrofon und Kamera heißen nach dem, was ein Druck bewirkt.",
  ],
  sightTitle: ["Colour, size and motion", "Farbe, Größe und Bewegung"],
  sightText: [
    "Light and dark colours follow the device or your choice, high contrast and forced colours are respected, nothing is told by colour alone. Pages work at 400 % zoom, and with reduced motion nothing moves.",
    "Helle und dunkle Farben folgen dem Gerät oder Ihrer Wahl, hoher Kontrast und Systemfarben werden beachtet, nichts wird nur durch Farbe gesagt. Die Seiten funktionieren bei 400 % Zoom, und bei reduzierter Bewegung bewegt sich nichts.",
  ],
  limitsTitle: ["Known limits", "Bekannte Grenzen"],
  limitsText: [
    "There are no captions yet. What people show on a shared screen is a picture and cannot be read aloud.",
    "Untertitel gibt es noch nicht. Geteilte Bildschirme sind Bilder und können nicht vorgelesen werden.",
  ],
  reportTitle: ["Found a barrier?", "Eine Barriere gefunden?"],
  reportText: [
    "Tell whoever runs this server. A barrier is an error like any other.",
    "Sagen Sie es dem Betreiber dieses Servers. Eine Barriere ist ein Fehler wie jeder andere.",
  ],
  privacyTitle: ["Privacy", "Datenschutz"],
  privacyLead: [
    "What this program keeps, where, and for how long. Who runs this server answers for everything else.",
    "Was dieses Programm speichert, wo und wie lange. Für alles andere steht der Betreiber dieses Servers.",
  ],
  browserTitle: ["In your browser", "In Ihrem Browser"],
  browserText: [
    "Your name, language, colours and choice of devices stay here until you clear the site's data. Host keys and the key for coming back last until the tab is closed. There are no cookies.",
    "Ihr Name, Sprache, Farben und Gerätewahl bleiben hier, bis Sie die Websitedaten löschen. Host-Schlüssel und der Schlüssel fürs Wiederkommen gelten, bis der Tab geschlossen wird. Es gibt keine Cookies.",
  ],
  serverTitle: ["On the server", "Auf dem Server"],
  serverText: [
    "The meeting's code, when it was open, and who was in under which name. Chat messages are stored encrypted and belong to the meeting.",
    "Der Code des Meetings, wann es offen war und wer unter welchem Namen dabei war. Chatnachrichten werden verschlüsselt gespeichert und gehören zum Meeting.",
  ],
  retentionTitle: ["For how long", "Wie lange"],
  retentionText: [
    "When everybody has left, messages are deleted 30 days after they were written, names 90 days after the last visit, and the log of what was done after 400 days – unless whoever runs this server has set other times.",
    "Wenn alle gegangen sind, werden Nachrichten 30 Tage nach dem Schreiben gelöscht, Namen 90 Tage nach dem letzten Besuch und das Protokoll der Vorgänge nach 400 Tagen – sofern der Betreiber dieses Servers nichts anderes eingestellt hat.",
  ],
  callTitle: ["Sound and picture", "Ton und Bild"],
  callText: [
    "They travel encrypted between you and the media server and are passed on from there. Nothing is recorded.",
    "Sie laufen verschlüsselt zwischen Ihnen und dem Medienserver und werden von dort weitergegeben. Es wird nichts aufgezeichnet.",
  ],
  othersTitle: ["Third parties", "Dritte"],
  othersText: [
    "This page loads nothing from anybody else: fonts, icons and program come from this server.",
    "Diese Seite lädt nichts von anderen: Schriften, Symbole und Programm kommen von diesem Server.",
  ],
});

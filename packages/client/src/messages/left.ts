import { defineMessages } from "../i18n/translate";

export const leftMessages = defineMessages({
  left: ["You left.", "Sie haben das Meeting verlassen."],
  removed: ["The host removed you.", "Der Host hat Sie entfernt."],
  ended: ["The meeting has ended.", "Das Meeting ist beendet."],
  otherDevice: ["You joined on another device.", "Sie sind auf einem anderen Gerät beigetreten."],
  connection: ["We lost the connection.", "Die Verbindung ist abgebrochen."],
  roomDeleted: ["The meeting no longer exists.", "Das Meeting gibt es nicht mehr."],
  serverStopped: ["The server has stopped.", "Der Server wurde beendet."],
  serverBusy: ["The server is at its limit.", "Der Server ist ausgelastet."],
  noAnswer: ["The server does not answer.", "Der Server antwortet nicht."],
  neverConnected: ["The call did not come about.", "Der Anruf kam nicht zustande."],
  leftText: [
    "You can come back at any time while the meeting is open.",
    "Solange das Meeting offen ist, können Sie jederzeit zurück.",
  ],
  removedText: ["If this was a mistake, ask the host.", "War das ein Versehen, fragen Sie den Host."],
  endedText: [
    "It was ended for everyone, or its time was over.",
    "Es wurde für alle beendet, oder seine Zeit war um.",
  ],
  otherDeviceText: [
    "The call goes on there. You can bring it back to this device.",
    "Der Anruf läuft dort weiter. Sie können ihn auf dieses Gerät zurückholen.",
  ],
  connectionText: [
    "Check Wi-Fi or VPN, then reconnect. You come back as the same person.",
    "Prüfen Sie WLAN oder VPN und verbinden Sie sich neu. Sie kommen als dieselbe Person zurück.",
  ],
  roomDeletedText: ["Ask the host for a new link.", "Bitten Sie den Host um einen neuen Link."],
  serverStoppedText: [
    "It may be back in a minute. Your place is kept.",
    "Er kann in einer Minute zurück sein. Ihr Platz bleibt erhalten.",
  ],
  serverBusyText: [
    "It takes no new calls at the moment. Try again in a minute.",
    "Er nimmt gerade keine neuen Anrufe an. Versuchen Sie es in einer Minute erneut.",
  ],
  noAnswerText: [
    "Check your network; a proxy on the way must let WebSockets through. The test says what gets through.",
    "Prüfen Sie Ihr Netz; ein Proxy unterwegs muss WebSockets durchlassen. Der Test sagt, was durchkommt.",
  ],
  neverConnectedText: [
    "Your network blocks calls: allow UDP or TCP to this server, or try another network. The test says what gets through.",
    "Ihr Netz blockiert Anrufe: Erlauben Sie UDP oder TCP zu diesem Server oder nutzen Sie ein anderes Netz. Der Test sagt, was durchkommt.",
  ],
  rejoin: ["Rejoin", "Wieder beitreten"],
  continueHere: ["Continue here", "Hier fortsetzen"],
  reconnect: ["Reconnect", "Neu verbinden"],
  rejoining: ["Joining…", "Beitritt läuft …"],
  duration: ["You were in for {time}.", "Sie waren {time} dabei."],
  downloadChat: ["Download chat", "Chat herunterladen"],
  chatPrivately: ["{name} (private)", "{name} (privat)"],
  chatFile: ["chat", "chat"],
  code: ["Code {code}", "Code {code}"],
});

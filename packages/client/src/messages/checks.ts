import type { CheckId, CheckState, NoteKey } from "../checks/check";
import type { AudioReason, BlockedReason, Verdict } from "../checks/verdict";
import { defineMessages, type Messages, type Text } from "../i18n/translate";

/** Texts of the self-test, on its own page and before joining. */
export const checkMessages = defineMessages({
  title: ["Test device and connection", "Gerät und Verbindung testen"],
  lead: [
    "This page sends and receives real sound and pictures, as a call would. Nothing is recorded, nobody else sees or hears it.",
    "Diese Seite sendet und empfängt echten Ton und echte Bilder wie ein Anruf. Nichts wird aufgezeichnet, niemand sonst sieht oder hört es.",
  ],
  list: ["Checks", "Prüfungen"],
  testing: ["Testing…", "Test läuft …"],
  progress: ["Check {n} of {of}", "Prüfung {n} von {of}"],
  ended: ["Check {n} of {of}, {name}: {state}", "Prüfung {n} von {of}, {name}: {state}"],
  again: ["Test again", "Erneut testen"],
  copyReport: ["Copy report", "Bericht kopieren"],
  saveReport: ["Save report", "Bericht speichern"],
  reportCopied: ["Report copied", "Bericht kopiert"],
  copyFailed: [
    "The browser did not allow copying. Save the report instead.",
    "Der Browser hat das Kopieren nicht erlaubt. Speichern Sie den Bericht.",
  ],
  reportFile: ["heydok-test", "heydok-test"],
  reportHint: [
    "Holds these lines, browser and time; no names and no addresses of your network.",
    "Enthält diese Zeilen, Browser und Uhrzeit; keine Namen und keine Adressen Ihres Netzes.",
  ],

  // Before joining
  checking: ["Checking the connection…", "Verbindung wird geprüft …"],
  details: ["Details and report", "Details und Bericht"],

  // Verdicts
  verdict_video: ["Ready for video", "Bereit für Video"],
  verdict_audio: ["Better audio only: {reason}", "Besser nur Ton: {reason}"],
  verdict_unheard: [
    "Nobody would hear you: your microphone does not work here.",
    "Niemand würde Sie hören: Ihr Mikrofon funktioniert hier nicht.",
  ],
  verdict_blocked: ["Blocked: {reason}", "Blockiert: {reason}"],
  verdict_unknown: [
    "The connection could not be tested now. You can join all the same.",
    "Die Verbindung konnte gerade nicht getestet werden. Beitreten können Sie trotzdem.",
  ],
  reason_tcpOnly: [
    "UDP does not get through, and over TCP pictures may stutter.",
    "UDP kommt nicht durch, und über TCP können Bilder ruckeln.",
  ],
  reason_uploadSlow: ["your upload is slow.", "Ihr Upload ist langsam."],
  reason_downloadSlow: ["your download is slow.", "Ihr Download ist langsam."],
  reason_lossy: ["your line loses many packets.", "Ihre Leitung verliert viele Pakete."],
  reason_partly: ["not everybody's pictures arrived.", "nicht die Bilder aller kamen an."],
  reason_noCamera: ["no camera works here.", "hier funktioniert keine Kamera."],
  reason_insecure: [
    "camera and microphone need a secure address (https).",
    "Kamera und Mikrofon brauchen eine sichere Adresse (https).",
  ],
  reason_browser: [
    "this browser can't hold video calls. Use a current Chrome, Edge, Firefox or Safari.",
    "dieser Browser kann keine Videoanrufe. Nutzen Sie ein aktuelles Chrome, Edge, Firefox oder Safari.",
  ],
  reason_server: [
    "the server does not answer. Check your network; a proxy must let WebSockets through.",
    "der Server antwortet nicht. Prüfen Sie Ihr Netz; ein Proxy muss WebSockets durchlassen.",
  ],
  reason_full: [
    "the server is at its limit and takes no new calls. Try again in a minute.",
    "der Server ist ausgelastet und nimmt keine neuen Anrufe an. Versuchen Sie es in einer Minute erneut.",
  ],
  reason_faulty: [
    "the server answers with an error. Try again in a minute, or tell whoever runs it.",
    "der Server antwortet mit einem Fehler. Versuchen Sie es in einer Minute erneut oder sagen Sie es dem Betreiber.",
  ],
  reason_noPath: [
    "your network lets no media through. Allow UDP to this server, or try another network.",
    "Ihr Netz lässt keine Medien durch. Erlauben Sie UDP zu diesem Server oder nutzen Sie ein anderes Netz.",
  ],
  reason_noMedia: [
    "connected, but neither sound nor picture arrived.",
    "verbunden, aber weder Ton noch Bild kamen an.",
  ],

  // Names
  name_secure_page: ["Secure page", "Sichere Seite"],
  name_browser: ["Browser", "Browser"],
  name_microphone: ["Microphone", "Mikrofon"],
  name_camera: ["Camera", "Kamera"],
  name_signalling: ["Signalling", "Signalisierung"],
  name_udp: ["Media over UDP", "Medien über UDP"],
  name_tcp: ["Media over TCP", "Medien über TCP"],
  name_turn_udp: ["Relay over UDP (TURN)", "Relais über UDP (TURN)"],
  name_turn_tls: ["Relay over TLS or TCP (TURN)", "Relais über TLS oder TCP (TURN)"],
  name_upload: ["Upload", "Upload"],
  name_download: ["Download", "Download"],
  name_loss: ["Packet loss", "Paketverlust"],
  name_three_party_media: ["Three participants", "Drei Teilnehmende"],

  // States
  state_waiting: ["waiting", "wartet"],
  state_running: ["running…", "läuft …"],
  state_passed: ["passed", "bestanden"],
  state_warning: ["with a remark", "mit Hinweis"],
  state_failed: ["failed", "nicht bestanden"],
  state_skipped: ["not checked", "nicht geprüft"],

  // Sentences
  note_secure: ["This page may use camera and microphone.", "Diese Seite darf Kamera und Mikrofon nutzen."],
  note_insecure: [
    "Camera and microphone need a secure address (https).",
    "Kamera und Mikrofon brauchen eine sichere Adresse (https).",
  ],
  note_browserGood: ["It can hold video calls.", "Er kann Videoanrufe."],
  note_browserOld: [
    "This browser can't hold video calls. Use a current Chrome, Edge, Firefox or Safari.",
    "Dieser Browser kann keine Videoanrufe. Nutzen Sie ein aktuelles Chrome, Edge, Firefox oder Safari.",
  ],
  note_deviceGood: ["{device} works.", "{device} funktioniert."],
  note_microphoneSilent: [
    "{device} is on but silent. Say something and test again; check its switch and its volume in the system.",
    "{device} ist an, aber still. Sprechen Sie und testen Sie erneut; prüfen Sie Schalter und Lautstärke im System.",
  ],
  note_deniedByBrowser: [
    "The browser does not allow it. Allow it beside the address, then test again.",
    "Der Browser erlaubt es nicht. Erlauben Sie es neben der Adresse und testen Sie erneut.",
  ],
  note_deniedBySystem: [
    "The system does not allow it to this browser. Allow it in the system's privacy settings.",
    "Das System erlaubt es diesem Browser nicht. Erlauben Sie es in den Datenschutz-Einstellungen des Systems.",
  ],
  note_deniedByFrame: [
    "The page around this one does not pass it on. Open this page in its own tab.",
    "Die umgebende Seite gibt es nicht frei. Öffnen Sie diese Seite in einem eigenen Tab.",
  ],
  note_deviceMissing: [
    "None found. Plug one in, then test again.",
    "Nicht gefunden. Schließen Sie eines an und testen Sie erneut.",
  ],
  note_deviceInUse: [
    "Another app is using it. Close that app, then test again.",
    "Eine andere App nutzt es. Schließen Sie die App und testen Sie erneut.",
  ],
  note_deviceFailed: [
    "It did not start. Plug it in again, then test again.",
    "Es ist nicht gestartet. Stecken Sie es neu an und testen Sie erneut.",
  ],
  note_signallingGood: ["Answered after {ms} ms.", "Antwort nach {ms} ms."],
  note_signallingFailed: [
    "The WebSocket to this server was not opened. A proxy or firewall on the way must let WebSockets through.",
    "Der WebSocket zu diesem Server kam nicht zustande. Ein Proxy oder eine Firewall unterwegs muss WebSockets durchlassen.",
  ],
  note_serverUnreachable: [
    "The server did not answer. Check your network, then test again.",
    "Der Server hat nicht geantwortet. Prüfen Sie Ihr Netz und testen Sie erneut.",
  ],
  note_serverFull: [
    "The server is at its limit and takes no new calls. Test again in a minute.",
    "Der Server ist ausgelastet und nimmt keine neuen Anrufe an. Testen Sie in einer Minute erneut.",
  ],
  note_serverFaulty: [
    "The server answered with an error. Test again in a minute, or tell whoever runs it.",
    "Der Server hat mit einem Fehler geantwortet. Testen Sie in einer Minute erneut oder sagen Sie es dem Betreiber.",
  ],
  note_testAbsent: [
    "This server knows no test of the line. A call shows what works.",
    "Dieser Server kennt keinen Test der Leitung. Ein Anruf zeigt, was geht.",
  ],
  note_pageIncomplete: [
    "A part of this page did not load. Load the page again, then test.",
    "Ein Teil dieser Seite wurde nicht geladen. Laden Sie die Seite neu und testen Sie dann.",
  ],
  note_pathGood: ["Connected after {ms} ms.", "Verbunden nach {ms} ms."],
  note_udpFailed: [
    "UDP {port}does not get through. Allow it in your firewall or VPN; until then calls use TCP and may stutter.",
    "UDP {port}kommt nicht durch. Erlauben Sie es in Ihrer Firewall oder im VPN; bis dahin laufen Anrufe über TCP und können ruckeln.",
  ],
  note_tcpFailed: [
    "TCP {port}does not get through. Where UDP is blocked, allow it in your firewall or proxy.",
    "TCP {port}kommt nicht durch. Wo UDP blockiert ist, erlauben Sie es in Ihrer Firewall oder im Proxy.",
  ],
  note_turnUdpFailed: [
    "The relay was not reached over UDP. Where no direct way is open, allow its port in your firewall or VPN.",
    "Das Relais war über UDP nicht erreichbar. Wo kein direkter Weg offen ist, erlauben Sie seinen Port in Ihrer Firewall oder im VPN.",
  ],
  note_turnTlsFailed: [
    "The relay was not reached over TLS or TCP. Where all else is blocked, allow it in your firewall or proxy, or tell whoever runs this server.",
    "Das Relais war über TLS oder TCP nicht erreichbar. Wo alles andere blockiert ist, erlauben Sie es in Ihrer Firewall oder im Proxy, oder sagen Sie es dem Betreiber dieses Servers.",
  ],
  note_pathNotOffered: ["This server does not offer it.", "Dieser Server bietet das nicht an."],
  note_serverBusy: [
    "The server tests for others right now. Test again in a minute.",
    "Der Server testet gerade für andere. Testen Sie in einer Minute erneut.",
  ],
  note_rateGood: ["{kbits} kbit/s, enough for video.", "{kbits} kbit/s, genug für Video."],
  note_uploadLow: [
    "{kbits} kbit/s: enough for sound, not for a good picture. Stop other uploads, or come closer to the Wi-Fi.",
    "{kbits} kbit/s: genug für Ton, nicht für ein gutes Bild. Beenden Sie andere Uploads oder gehen Sie näher ans WLAN.",
  ],
  note_downloadLow: [
    "{kbits} kbit/s: enough for sound, not for pictures of many. Stop other downloads, or come closer to the Wi-Fi.",
    "{kbits} kbit/s: genug für Ton, nicht für die Bilder vieler. Beenden Sie andere Downloads oder gehen Sie näher ans WLAN.",
  ],
  note_uploadNone: [
    "{kbits} kbit/s: not even enough for sound. Try another network.",
    "{kbits} kbit/s: nicht einmal genug für Ton. Nutzen Sie ein anderes Netz.",
  ],
  note_downloadNone: [
    "{kbits} kbit/s: not even enough for sound. Try another network.",
    "{kbits} kbit/s: nicht einmal genug für Ton. Nutzen Sie ein anderes Netz.",
  ],
  note_lossGood: [
    "{percent} % lost, {ms} ms to the server and back.",
    "{percent} % verloren, {ms} ms zum Server und zurück.",
  ],
  note_lossSome: [
    "{percent} % lost, {ms} ms to the server and back. Small faults may be heard and seen.",
    "{percent} % verloren, {ms} ms zum Server und zurück. Kleine Aussetzer können zu hören und zu sehen sein.",
  ],
  note_lossHigh: [
    "{percent} % lost, {ms} ms to the server and back. Use a cable, or come closer to the Wi-Fi.",
    "{percent} % verloren, {ms} ms zum Server und zurück. Nutzen Sie ein Kabel oder gehen Sie näher ans WLAN.",
  ],
  note_thirdGood: [
    "Everybody saw everybody: {n} of 6 ways carried pictures.",
    "Alle sahen alle: {n} von 6 Wegen trugen Bilder.",
  ],
  note_thirdPartly: [
    "Only {n} of 6 ways between three participants carried pictures. Tell whoever runs this server.",
    "Nur {n} von 6 Wegen zwischen drei Teilnehmenden trugen Bilder. Sagen Sie es dem Betreiber dieses Servers.",
  ],
  note_thirdAbsent: [
    "The server's own participant did not come in; the server does not reach the address it gives to browsers. Tell whoever runs it.",
    "Der eigene Teilnehmer des Servers kam nicht dazu; der Server erreicht die Adresse nicht, die er Browsern nennt. Sagen Sie es dem Betreiber.",
  ],
  note_secondAbsent: [
    "A second connection of this page did not come about, so not all ways were tried. Test again.",
    "Eine zweite Verbindung dieser Seite kam nicht zustande, daher wurden nicht alle Wege geprüft. Testen Sie erneut.",
  ],
  note_thirdNone: [
    "Between three participants no picture arrived. Tell whoever runs this server.",
    "Zwischen drei Teilnehmenden kam kein Bild an. Sagen Sie es dem Betreiber dieses Servers.",
  ],
});

/** Names, states, notes and reasons are looked up by value: none may be missing. */
checkMessages satisfies Messages &
  Readonly<
    Record<
      | `name_${CheckId}`
      | `state_${CheckState}`
      | `note_${NoteKey}`
      | `reason_${AudioReason | BlockedReason}`
      | `verdict_${Verdict["kind"]}`,
      Text
    >
  >;

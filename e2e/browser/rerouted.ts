declare global {
  interface Window {
    /** All peer connections that the page has made. */
    connections: RTCPeerConnection[];
    /** The browser's own peer connection, for what goes over no server. */
    DirectPeerConnection: typeof RTCPeerConnection;
  }
}

/** Has a page keep its connections, and leaves their ways alone. Runs in the page before its own scripts. */
export function rememberConnections(): void {
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      window.connections.push(this);
    }
  };
}

/** Where a page's media may go. */
export interface Route {
  /** The port of this machine that all UDP goes to; unset: where the server says. */
  readonly udpPort?: number;
  /** Whether the firewall knows ICE-TCP, and lets none of it through. */
  readonly noIceTcp?: boolean;
  /** A pattern of the only candidates that the page is told, as `udp \d+ ::1 `; unset: all. */
  readonly only?: string;
  /** Whether all goes through a relay, or nothing; unset: what the browser likes best. */
  readonly relayed?: boolean;
}

/**
 * Has a page send its media by this route, and hide its own addresses, so that no server finds a way past it. Runs in
 * the page before its own scripts; so it may use nothing from outside.
 */
export function rerouteMedia({ udpPort, noIceTcp, only = "", relayed }: Route): void {
  const isTold = (candidate: string) => new RegExp(only).test(candidate);
  const reroute = (text: string) =>
    text
      .replace(/a=(candidate:.*)\r\n/g, (line, candidate) => (isTold(candidate) ? line : ""))
      .replace(/(candidate:\S+ \d+ udp \d+) \S+ \d+ /gi, udpPort ? `$1 127.0.0.1 ${udpPort} ` : "$&")
      // Port 9 stands for no port where TCP is passive (RFC 6544).
      .replace(/(candidate:\S+ \d+ tcp \d+ \S+) \d+ /gi, noIceTcp ? "$1 9 " : "$&");
  const wayTo = (url: string) =>
    udpPort === undefined || url.includes("transport=tcp")
      ? url
      : url.replace(/:.*?(\?|$)/, `:127.0.0.1:${udpPort}$1`);
  const configured = (configuration: RTCConfiguration = {}): RTCConfiguration => ({
    ...configuration,
    ...(relayed ? { iceTransportPolicy: "relay" } : {}),
    // A browser takes all that comes from the address of a STUN server for its answers: media must come from elsewhere.
    iceServers: configuration.iceServers
      ?.map((server) => ({
        ...server,
        urls: [server.urls]
          .flat()
          .filter((url) => !url.startsWith("stun") && relayed !== false)
          .map(wayTo),
      }))
      .filter(({ urls }) => urls.length > 0),
  });
  window.connections = [];
  window.DirectPeerConnection = RTCPeerConnection;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configured(configuration));
      window.connections.push(this);
      // Before all other listeners: none of them hears of a candidate.
      this.addEventListener("icecandidate", (event) => event.stopImmediatePropagation());
      const createOffer = (options?: RTCOfferOptions) => super.createOffer(options);
      Object.assign(this, {
        createOffer: async (options?: RTCOfferOptions) => {
          const { type, sdp = "" } = await createOffer(options);
          return { type, sdp: sdp.replace(/a=candidate:.*\r\n/g, "") };
        },
      });
    }

    override setConfiguration(configuration?: RTCConfiguration): void {
      super.setConfiguration(configured(configuration));
    }

    override addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      const { candidate: text, sdpMid, sdpMLineIndex, usernameFragment } = candidate ?? {};
      if (text && !isTold(text)) return Promise.resolve();
      return super.addIceCandidate(
        text ? { candidate: reroute(text), sdpMid, sdpMLineIndex, usernameFragment } : candidate,
      );
    }

    override setRemoteDescription({ type, sdp = "" }: RTCSessionDescriptionInit): Promise<void> {
      return super.setRemoteDescription({ type, sdp: reroute(sdp) });
    }
  };
}

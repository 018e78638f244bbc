declare global {
  interface Window {
    /** All peer connections that the page has made. */
    connections: RTCPeerConnection[];
  }
}

/**
 * Has a page send all its UDP media to this port of this machine, whatever address the server names, and hide its own
 * addresses, so that no server finds a way past that port. Runs in the page before its own scripts; so it may use
 * nothing from outside.
 */
export function rerouteMedia(port: number): void {
  const reroute = (text: string) =>
    text.replace(/(candidate:\S+ \d+ udp \d+) \S+ \d+ /gi, `$1 127.0.0.1 ${port} `);
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
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

    override addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
      const { candidate: text, sdpMid, sdpMLineIndex, usernameFragment } = candidate ?? {};
      return super.addIceCandidate(
        text ? { candidate: reroute(text), sdpMid, sdpMLineIndex, usernameFragment } : candidate,
      );
    }

    override setRemoteDescription({ type, sdp = "" }: RTCSessionDescriptionInit): Promise<void> {
      return super.setRemoteDescription({ type, sdp: reroute(sdp) });
    }
  };
}

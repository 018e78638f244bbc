import type { TabChannel } from "@heydok/client";

/** Between the tabs of this browser that show this meeting; the browser keeps it within our origin. */
export function openTabChannel(code: string): TabChannel | null {
  if (!("BroadcastChannel" in window)) return null;
  try {
    return overBroadcast(new BroadcastChannel(`heydok.meeting.${code}`));
  } catch {
    // A frame without an origin of its own may not open one.
    return null;
  }
}

function overBroadcast(channel: BroadcastChannel): TabChannel {
  return {
    send: (message) => channel.postMessage(message),
    listen: (listener) => {
      channel.onmessage = (event) => listener(event.data);
    },
    close: () => channel.close(),
  };
}

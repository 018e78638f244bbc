import type { VideoSource } from "@heydok/client/call";
import { useCallback, useEffect, useRef, useState } from "react";

/** Shows a picture in a window of its own, for a second monitor. Closes with the picture, and with the page. */
export function useOwnWindow(source: VideoSource | null, title: string): { open(): void } {
  const [view, setView] = useState<Window | null>(null);
  const current = useRef<Window | null>(null);
  const open = useCallback(() => {
    if (current.current !== null && !current.current.closed) return current.current.focus();
    const made = window.open("", "", "popup,width=1280,height=760");
    if (made === null) return;
    current.current = made;
    made.addEventListener("pagehide", () => setView(null));
    setView(made);
  }, []);
  useEffect(() => {
    if (view === null || view.closed) return;
    view.document.title = title;
  }, [view, title]);
  useEffect(() => {
    if (view === null || view.closed || source === null) return;
    const video = view.document.createElement("video");
    Object.assign(video, { autoplay: true, muted: true, playsInline: true });
    video.setAttribute("aria-label", view.document.title);
    Object.assign(video.style, { width: "100%", height: "100%", objectFit: "contain" });
    Object.assign(view.document.body.style, { margin: "0", height: "100vh", background: "#0c1110" });
    view.document.body.replaceChildren(video);
    const detach = source.attachElsewhere(video);
    return () => {
      detach();
      video.remove();
    };
  }, [view, source]);
  useEffect(() => {
    const close = () => current.current?.close();
    window.addEventListener("pagehide", close);
    return () => {
      window.removeEventListener("pagehide", close);
      close();
    };
  }, []);
  return { open };
}

import { type DeviceKind, type PreJoinViewModel, preJoinMessages } from "@heydok/client";
import { useEffect, useRef } from "react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { useAnnounce } from "../../primitives/Announcer";

const keys: Readonly<Record<string, DeviceKind>> = { m: "microphone", v: "camera" };

/** M and V switch microphone and camera, outside of fields. */
export function useDeviceKeys(model: PreJoinViewModel): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const kind = keys[event.key.toLowerCase()];
      const modified = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
      const field =
        event.target instanceof Element &&
        event.target.closest("input, select, textarea, dialog, [role=menu]");
      if (kind && !modified && !field) model.toggle(kind);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [model]);
}

/** Tells screen readers once that the camera is ready, that the level is good, and each time something is blocked. */
export function useSpokenDevices(model: PreJoinViewModel): void {
  const t = useText(preJoinMessages);
  const announce = useAnnounce();
  const said = useRef(new Set<string>());
  const camera = useBehavior(model.camera.state);
  const microphone = useBehavior(model.microphone.state);
  const level = useBehavior(model.level);
  const good = level.word === "good";
  const cameraFault = camera.status === "fault" && camera.fault.startsWith("denied");
  const microphoneFault = microphone.status === "fault" && microphone.fault.startsWith("denied");
  useEffect(() => {
    const once = (key: "cameraReady" | "levelGoodSaid") => {
      if (said.current.has(key)) return;
      said.current.add(key);
      announce(t(key));
    };
    if (camera.status === "on") once("cameraReady");
    if (good) once("levelGoodSaid");
  }, [camera.status, good, announce, t]);
  useEffect(() => {
    if (cameraFault) announce(t("cameraBlockedSaid"), "assertive");
    else if (microphoneFault) announce(t("microphoneBlockedSaid"), "assertive");
  }, [cameraFault, microphoneFault, announce, t]);
}

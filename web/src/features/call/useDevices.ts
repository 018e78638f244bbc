import { useEffect, useState } from "react";

/** The devices of one kind, kept up to date while they are plugged and unplugged. */
export function useDevices(kind: MediaDeviceKind): readonly MediaDeviceInfo[] {
  const [devices, setDevices] = useState<readonly MediaDeviceInfo[]>([]);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    let over = false;
    const look = async () => {
      const all = await media.enumerateDevices().catch(() => []);
      if (!over) setDevices(all.filter((device) => device.kind === kind));
    };
    void look();
    media.addEventListener("devicechange", look);
    return () => {
      over = true;
      media.removeEventListener("devicechange", look);
    };
  }, [kind]);
  return devices;
}

import { useEffect } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useToast } from "../../primitives/Toasts";
import { useCall, useCallText } from "./context";

/** Tells that another device took the place of one that was unplugged; undoing turns that one off. */
export function useReplacedDevice(): void {
  const { session } = useCall();
  const t = useCallText();
  const toast = useToast();
  const { replaced } = useBehavior(session.media.state);
  useEffect(() => {
    if (replaced === null) return;
    session.media.replacementRead();
    const microphone = replaced.device === "microphone";
    const name = replaced.label || t("systemDevice");
    toast({
      text: t(microphone ? "microphoneReplaced" : "cameraReplaced", { name }),
      action: {
        label: t("undo"),
        run: () => (microphone ? session.media.setMicrophone(false) : session.media.setCamera(false)),
      },
    });
  }, [replaced, session, t, toast]);
}

import { useEffect } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useToast } from "../../primitives/Toasts";
import { useCall, useCallText } from "./context";

/** Tells once that the stage shows fewer tiles, because the processor is short of time. */
export function useFewerTiles(): void {
  const { stage } = useCall();
  const t = useCallText();
  const toast = useToast();
  const told = useBehavior(stage.fewerNotice);
  useEffect(() => {
    if (!told) return;
    stage.fewerNoticeRead();
    toast({ text: t("fewerTiles") });
  }, [told, stage, t, toast]);
}

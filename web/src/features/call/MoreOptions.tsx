import { settingsMessages } from "@heydok/client/call";
import {
  Ellipsis,
  Keyboard,
  type LucideIcon,
  Maximize,
  Minimize,
  ScreenShare,
  ScreenShareOff,
  SlidersHorizontal,
  Users,
} from "lucide-react";
import type { ReactNode } from "react";
import { useText } from "../../app/context";
import { useBehavior } from "../../app/useBehavior";
import { Icon } from "../../primitives/Icon";
import { canShare } from "./ControlBar";
import { ControlButton } from "./ControlButton";
import { useCall, useCallText } from "./context";
import { LayoutTiles } from "./LayoutChoice";
import styles from "./MoreOptions.module.css";
import { Popup } from "./Popup";
import { toggleFullScreen } from "./useShortcuts";
import type { Width } from "./useWidth";

/** What the bar has no room for, and what is needed rarely. */
export function MoreOptions({ width }: { width: Width }) {
  const t = useCallText();
  return (
    <Popup
      label={t("more")}
      trigger={(props) => <ControlButton {...props} icon={Ellipsis} label={t("more")} />}
    >
      {(close) => (
        <>
          {width !== "desktop" && <LayoutTiles />}
          <div className={styles.rows}>
            {width === "phone" && <PeopleRow close={close} />}
            {width === "phone" && canShare && <ShareRow close={close} />}
            {width !== "phone" && canShare && <MotionRow close={close} />}
            <CommonRows close={close} />
          </div>
        </>
      )}
    </Popup>
  );
}

interface Closes {
  readonly close: () => void;
}

function Row(
  props: Closes & { readonly icon: LucideIcon; readonly onPress: () => void; readonly children: ReactNode },
) {
  const press = () => {
    props.close();
    props.onPress();
  };
  return (
    <button type="button" className={styles.row} onClick={press}>
      <Icon of={props.icon} />
      {props.children}
    </button>
  );
}

function PeopleRow({ close }: Closes) {
  const { session, togglePanel } = useCall();
  const t = useCallText();
  const people = useBehavior(session.people.list);
  return (
    <Row icon={Users} close={close} onPress={() => togglePanel("people")}>
      {t("peopleCount", { n: people.length })}
    </Row>
  );
}

function ShareRow({ close }: Closes) {
  const { media } = useCall().session;
  const t = useCallText();
  const sharing = useBehavior(media.state).screen !== null;
  return (
    <Row
      icon={sharing ? ScreenShareOff : ScreenShare}
      close={close}
      onPress={() => (sharing ? media.stopShare() : void media.startShare("text"))}
    >
      {sharing ? t("stopShare") : t("share")}
    </Row>
  );
}

/** The bar's button keeps text sharp; for films the other choice is here. */
function MotionRow({ close }: Closes) {
  const { media } = useCall().session;
  const t = useCallText();
  if (useBehavior(media.state).screen !== null) return null;
  return (
    <Row icon={ScreenShare} close={close} onPress={() => void media.startShare("motion")}>
      {t("shareMotion")}
    </Row>
  );
}

function CommonRows({ close }: Closes) {
  const { showShortcuts, showSettings } = useCall();
  const t = useCallText();
  const settings = useText(settingsMessages);
  const full = document.fullscreenElement !== null;
  return (
    <>
      <Row icon={SlidersHorizontal} close={close} onPress={() => showSettings()}>
        {settings("settings")}
      </Row>
      <Row icon={full ? Minimize : Maximize} close={close} onPress={toggleFullScreen}>
        {full ? t("exitFullScreen") : t("fullScreen")}
      </Row>
      <Row icon={Keyboard} close={close} onPress={showShortcuts}>
        {t("shortcuts")}
      </Row>
    </>
  );
}

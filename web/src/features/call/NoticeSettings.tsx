import { SOUND_GROUPS, type SoundGroup, settingsMessages, type Verbosity } from "@heydok/client/call";
import { useId } from "react";
import { useText } from "../../app/context";
import { Switch } from "../../primitives/Switch";
import { Choice } from "./Choice";
import { useCall } from "./context";
import styles from "./Settings.module.css";

/** What is heard, what is read out, and whether the controls may hide. */
export function NoticeSettings() {
  const { preferences, changePreferences } = useCall();
  const t = useText(settingsMessages);
  const texts: Record<SoundGroup, string> = {
    people: t("soundPeople"),
    messages: t("soundMessages"),
    self: t("soundSelf"),
  };
  const turn = (group: SoundGroup, on: boolean) => {
    const others = preferences.soundsOff.filter((other) => other !== group);
    changePreferences({ soundsOff: on ? others : [...others, group] });
  };
  return (
    <>
      <section className={styles.section} aria-labelledby="sounds-heading">
        <h3 id="sounds-heading" className={styles.heading}>
          {t("sounds")}
        </h3>
        {SOUND_GROUPS.map((group) => (
          <Switch
            key={group}
            label={texts[group]}
            hint={group === "people" ? t("soundPeopleHint") : undefined}
            checked={!preferences.soundsOff.includes(group)}
            onChange={(on) => turn(group, on)}
          />
        ))}
        <SoundVolume />
      </section>
      <Choice<Verbosity>
        legend={t("announcements")}
        value={preferences.verbosity}
        options={[
          { value: "all", label: t("announceAll") },
          { value: "important", label: t("announceImportant") },
          { value: "errors", label: t("announceErrors") },
        ]}
        onChange={(verbosity) => changePreferences({ verbosity })}
      />
      <section className={styles.section} aria-labelledby="controls-heading">
        <h3 id="controls-heading" className={styles.heading}>
          {t("controls")}
        </h3>
        <Switch
          label={t("alwaysControls")}
          hint={t("alwaysControlsHint")}
          checked={preferences.alwaysControls}
          onChange={(alwaysControls) => changePreferences({ alwaysControls })}
        />
      </section>
    </>
  );
}

function SoundVolume() {
  const { preferences, changePreferences, sounds } = useCall();
  const t = useText(settingsMessages);
  const id = useId();
  const percent = Math.round(preferences.soundVolume * 100);
  return (
    <div className={styles.volume}>
      <label htmlFor={id}>{t("soundVolume")}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={10}
        value={percent}
        aria-valuetext={t("percent", { percent })}
        onChange={(event) => changePreferences({ soundVolume: Number(event.currentTarget.value) / 100 })}
        // Let go, one hears how loud that is.
        onPointerUp={() => sounds.cue("message", 1)}
        onKeyUp={() => sounds.cue("message", 1)}
      />
    </div>
  );
}

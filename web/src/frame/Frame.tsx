import { commonMessages, type Language } from "@heydok/client";
import { Globe, Monitor, Moon, Sun, WifiOff } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useServices, useText } from "../app/context";
import { isEmbedded } from "../app/router";
import { useBehavior } from "../app/useBehavior";
import { networkOnline } from "../browser/network";
import { Icon } from "../primitives/Icon";
import { IconButton } from "../primitives/IconButton";
import { Menu } from "../primitives/Menu";
import { useToast } from "../primitives/Toasts";
import styles from "./Frame.module.css";
import { Mark } from "./Mark";

/** Top bar, content and foot of every screen outside the call; inside another page only the content. */
export function Frame({ children }: { children: ReactNode }) {
  const embedded = isEmbedded(location);
  return (
    <>
      {!embedded && <TopBar />}
      <OfflineBanner />
      <main id="main" tabIndex={-1} className={styles.main}>
        {children}
      </main>
      {!embedded && <Foot />}
    </>
  );
}

function TopBar() {
  const t = useText(commonMessages);
  return (
    <>
      <a className={styles.skip} href="#main">
        {t("skip")}
      </a>
      <header className={styles.header}>
        <div className={styles.headerInner}>
          <a href="/" className={styles.home} aria-label={t("home")}>
            <Mark />
            <span className={styles.word}>heydok</span>
          </a>
          <div className={styles.switches}>
            <LanguageSwitch />
            <ThemeSwitch />
          </div>
        </div>
      </header>
    </>
  );
}

function Foot() {
  const t = useText(commonMessages);
  return (
    <footer className={styles.footer}>
      <nav aria-label={t("footer")} className={styles.footerInner}>
        <a href="/test">{t("selfTest")}</a>
        <a href="/accessibility">{t("accessibility")}</a>
        <a href="/privacy">{t("privacy")}</a>
        <a href="/docs">{t("developers")}</a>
      </nav>
    </footer>
  );
}

const languageNames: Record<Language, string> = { en: "English", de: "Deutsch" };

export function LanguageSwitch() {
  const t = useText(commonMessages);
  const { preferences } = useServices();
  const current = useBehavior(preferences.language);
  return (
    <Menu
      label={t("language")}
      items={(Object.keys(languageNames) as Language[]).map((language) => ({
        id: language,
        label: languageNames[language],
        lang: language,
        checked: language === current,
        onSelect: () => preferences.change({ language }),
      }))}
      trigger={(trigger) => (
        <IconButton {...trigger} icon={Globe} label={t("language")} tooltipSide="below" />
      )}
    />
  );
}

export function ThemeSwitch() {
  const t = useText(commonMessages);
  const { preferences } = useServices();
  const { theme } = useBehavior(preferences.preferences);
  const choices = [
    { id: "system", label: t("themeSystem"), icon: Monitor },
    { id: "light", label: t("themeLight"), icon: Sun },
    { id: "dark", label: t("themeDark"), icon: Moon },
  ] as const;
  const icon = choices.find((choice) => choice.id === theme)?.icon ?? Monitor;
  return (
    <Menu
      label={t("theme")}
      items={choices.map(({ id, label }) => ({
        id,
        label,
        checked: id === theme,
        onSelect: () => preferences.change({ theme: id }),
      }))}
      trigger={(trigger) => <IconButton {...trigger} icon={icon} label={t("theme")} tooltipSide="below" />}
    />
  );
}

function OfflineBanner() {
  const t = useText(commonMessages);
  const toast = useToast();
  const online = useBehavior(networkOnline);
  const was = useRef(online);
  useEffect(() => {
    if (online && !was.current) toast({ text: t("online") });
    was.current = online;
  }, [online, t, toast]);
  return (
    <div role="status" className={styles.bannerPlace}>
      {!online && (
        <p className={styles.banner}>
          <Icon of={WifiOff} />
          {t("offline")}
        </p>
      )}
    </div>
  );
}

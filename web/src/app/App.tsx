import { lazy, Suspense, useEffect } from "react";
import { Landing } from "../features/landing/Landing";
import { NotFound } from "../features/problem/NotFound";
import { Frame } from "../frame/Frame";
import { AnnouncerProvider } from "../primitives/Announcer";
import { ToastProvider } from "../primitives/Toasts";
import { CrashBoundary } from "./CrashBoundary";
import { type Services, ServicesContext } from "./context";
import { navigate, redirectOf, routeOf, useAddress } from "./router";
import { useBehavior } from "./useBehavior";

const loadMeetingPage = () => import("../features/meeting/MeetingPage");
const MeetingPage = lazy(loadMeetingPage);
const TestScreen = lazy(() => import("../features/test/TestScreen"));
const AboutScreen = lazy(() => import("../features/about/AboutScreen"));
// Fetched beside this program and not after it, where the address already says that it will be needed.
if (routeOf(location).screen === "meeting") void loadMeetingPage().catch(() => undefined);

export function App({ services }: { services: Services }) {
  const { theme } = useBehavior(services.preferences.preferences);
  const language = useBehavior(services.preferences.language);
  useEffect(() => {
    document.documentElement.lang = language;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme, language]);
  return (
    <ServicesContext value={services}>
      <AnnouncerProvider>
        <ToastProvider>
          <CrashBoundary>
            <Screens />
          </CrashBoundary>
        </ToastProvider>
      </AnnouncerProvider>
    </ServicesContext>
  );
}

function Screens() {
  const address = useAddress();
  const { pathname, search } = splitAddress(address);
  const target = redirectOf({ pathname, search });
  useEffect(() => {
    // The fragment may hold the host key; it stays until the meeting page has taken it.
    if (target !== null) navigate(target + location.hash, { replace: true });
  }, [target]);
  if (target !== null) return null;
  const route = routeOf({ pathname, search });
  switch (route.screen) {
    case "landing":
      return <Landing />;
    case "meeting":
      return (
        <Suspense fallback={<Frame>{null}</Frame>}>
          <MeetingPage key={route.code} code={route.code} />
        </Suspense>
      );
    case "about":
      return (
        <Suspense fallback={<Frame>{null}</Frame>}>
          <AboutScreen key={route.topic} topic={route.topic} />
        </Suspense>
      );
    case "test":
      return (
        <Suspense fallback={<Frame>{null}</Frame>}>
          <TestScreen />
        </Suspense>
      );
    case "notFound":
      return <NotFound />;
  }
}

function splitAddress(address: string): { pathname: string; search: string } {
  const at = address.indexOf("?");
  if (at < 0) return { pathname: address, search: "" };
  return { pathname: address.slice(0, at), search: address.slice(at) };
}

import { parseMeetingCode } from "@heydok/client";
import { useSyncExternalStore } from "react";

/** Every screen the address bar can name. */
export type Route =
  | { readonly screen: "landing" }
  | { readonly screen: "meeting"; readonly code: string }
  | { readonly screen: "about"; readonly topic: "accessibility" | "privacy" }
  | { readonly screen: "test" }
  | { readonly screen: "notFound" };

export interface Location {
  readonly pathname: string;
  readonly search: string;
}

export function routeOf({ pathname }: Location): Route {
  if (pathname === "/" || pathname === "/index.html") return { screen: "landing" };
  const meeting = /^\/meeting\/([^/]+)\/?$/.exec(pathname);
  if (meeting?.[1]) return { screen: "meeting", code: meeting[1] };
  const embedded = /^\/embed\/(?:meeting\/)?([^/]+)\/?$/.exec(pathname);
  if (embedded?.[1]) return { screen: "meeting", code: parseMeetingCode(embedded[1]) ?? embedded[1] };
  if (pathname === "/accessibility") return { screen: "about", topic: "accessibility" };
  if (pathname === "/privacy") return { screen: "about", topic: "privacy" };
  if (pathname === "/test") return { screen: "test" };
  return { screen: "notFound" };
}

/** Whether the address is that of a meeting inside another page, which has its own bars and links. */
export function isEmbedded({ pathname }: Pick<Location, "pathname">): boolean {
  return pathname.startsWith("/embed/");
}

/**
 * The address that should be shown instead, if any: old `/meeting.html?id=` links, short `/m/<code>` links and
 * codes written in another way. Other parameters are kept.
 */
export function redirectOf({ pathname, search }: Location): string | null {
  const parameters = new URLSearchParams(search);
  const written = writtenCode(pathname, parameters);
  if (written === null) return null;
  const code = parseMeetingCode(written) ?? written;
  parameters.delete("id");
  const query =
    parameters.size > 0 && pathname === "/meeting.html" ? `?${parameters}` : queryOf(pathname, search);
  const target = `/meeting/${encodeURIComponent(code)}`;
  return target === pathname ? null : `${target}${query}`;
}

function writtenCode(pathname: string, parameters: URLSearchParams): string | null {
  if (pathname === "/meeting.html") return parameters.get("id");
  const match = /^\/(?:meeting|m)\/([^/]+)\/?$/.exec(pathname);
  if (!match?.[1]) return null;
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return null;
  }
}

function queryOf(pathname: string, search: string): string {
  return pathname === "/meeting.html" ? "" : search;
}

const CHANGED = "heydok:location";

/** Goes to another screen without loading the page. `replace` leaves no entry in the history. */
export function navigate(address: string, { replace = false } = {}): void {
  if (replace) history.replaceState(history.state, "", address);
  else {
    // Where one was, so that the way back leads there and not to the top of the page.
    const opener = document.activeElement?.closest("a")?.getAttribute("href") ?? null;
    history.replaceState({ opener }, "");
    history.pushState(null, "", address);
  }
  window.dispatchEvent(new Event(CHANGED));
}

/** Gives the focus back to the link by which somebody had gone on, when they come back. Call once. */
export function restoreFocusOnReturn(): void {
  window.addEventListener("popstate", ({ state }: PopStateEvent) => {
    const opener: unknown = (state as { opener?: unknown } | null)?.opener;
    if (typeof opener !== "string") return;
    requestAnimationFrame(() => {
      document.querySelector<HTMLElement>(`a[href="${CSS.escape(opener)}"]`)?.focus({ preventScroll: true });
    });
  });
}

/**
 * Follows links of this page without loading it again, unless the person asked for a new tab or window. Call once.
 */
export function interceptLinks(isOutdated: () => boolean): void {
  document.addEventListener("click", (event) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!plain || event.defaultPrevented || !link?.href || link.target || link.hasAttribute("download"))
      return;
    const url = new URL(link.href);
    const sameDocument =
      url.pathname === location.pathname && url.search === location.search && url.hash !== "";
    const ours = url.origin === location.origin && !sameDocument;
    // A newer build comes with the next page anybody opens outside a call.
    if (!ours || routeOf(url).screen === "notFound" || isOutdated()) return;
    event.preventDefault();
    navigate(url.pathname + url.search + url.hash);
  });
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("popstate", listener);
  window.addEventListener(CHANGED, listener);
  return () => {
    window.removeEventListener("popstate", listener);
    window.removeEventListener(CHANGED, listener);
  };
}

/** Path and search of the address bar, as one string that changes only when they do. */
export function useAddress(): string {
  return useSyncExternalStore(subscribe, () => location.pathname + location.search);
}

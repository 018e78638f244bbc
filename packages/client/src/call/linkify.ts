/** A run of chat text: plain, or an address that may become a link. */
export type TextPart = { kind: "text"; text: string } | { kind: "link"; text: string; href: string };

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\p{Cc}\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const TRAILING = /[.,;:!?…\]}»”’]+$/u;

/** Closing brackets belong to the address only as often as they were opened in it. */
function withoutTrailing(address: string): string {
  let kept = address.replace(TRAILING, "");
  while (kept.endsWith(")") && kept.split(")").length > kept.split("(").length) {
    kept = kept.slice(0, -1).replace(TRAILING, "");
  }
  return kept;
}

function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    const harmless = url.protocol === "https:" || url.protocol === "http:";
    // A name and password before the host is a known way to make one host look like another.
    return harmless && url.username === "" && url.password === "" ? url.href : null;
  } catch {
    return null;
  }
}

/** Cuts chat text into plain runs and http(s) links; anything doubtful stays plain text. */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  const plain = (until: number) => {
    if (until > end) parts.push({ kind: "text", text: text.slice(end, until) });
  };
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(match[0]);
    const href = safeHref(address);
    if (href === null) continue;
    plain(match.index);
    parts.push({ kind: "link", text: address, href });
    end = match.index + address.length;
  }
  plain(text.length);
  return parts;
}

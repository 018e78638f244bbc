import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The server that `heydok serve` starts without configuration. */
const server = process.env.HEYDOK_URL ?? "http://127.0.0.1:8000";
const proxied = {
  "/api": { target: server },
  "/health": { target: server },
  "/rtc": { target: server, ws: true },
  "/twirp": { target: server },
};

/**
 * The style sheets of lazily loaded parts may arrive in any order, and the first mention of a layer decides its rank:
 * so each of them begins with the whole order.
 */
const layers: Plugin = {
  name: "layers",
  enforce: "pre",
  transform: (code, id) =>
    id.endsWith(".css") ? { code: `@layer reset, base, primitives, features;\n${code}`, map: null } : null,
};

export default defineConfig({
  plugins: [layers, react()],
  // light-dark(), nesting and dialogs are used as written: older browsers get the sentence in boot.js.
  build: {
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    // A strict content security policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
  },
  server: { port: 5173, proxy: proxied },
  preview: { port: 4173, proxy: proxied },
});

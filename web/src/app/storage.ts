import type { KeyValueStore } from "@heydok/client";

/** The browser's storage, or memory where it is forbidden. */
export function safeStorage(kind: "localStorage" | "sessionStorage"): KeyValueStore {
  try {
    const store = window[kind];
    store.getItem("heydok.probe");
    return store;
  } catch {
    return memoryStorage();
  }
}

function memoryStorage(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

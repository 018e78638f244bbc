// Runs before the first paint and in every browser, so it is plain old JavaScript:
// theme and language as chosen earlier, and one sentence for browsers that cannot run the rest.
(() => {
  var root = document.documentElement;
  var stored = {};
  try {
    stored = JSON.parse(localStorage.getItem("heydok.preferences") || "{}");
  } catch (error) {
    stored = {};
  }
  if (stored.theme === "light" || stored.theme === "dark") root.setAttribute("data-theme", stored.theme);
  var wished = /[?&]lang=(en|de)\b/.exec(location.search);
  var language = (wished && wished[1]) || stored.language || navigator.language || "en";
  var german = String(language).slice(0, 2).toLowerCase() === "de";
  root.lang = german ? "de" : "en";
  var able =
    "noModule" in document.createElement("script") &&
    typeof window.RTCPeerConnection === "function" &&
    typeof window.HTMLDialogElement === "function" &&
    window.CSS &&
    CSS.supports("color", "light-dark(black, white)");
  if (able) return;
  document.addEventListener("DOMContentLoaded", () => {
    var text = document.getElementById("unsupported");
    if (german) {
      text.textContent =
        "Dieser Browser kann keine Videoanrufe. Nutzen Sie ein aktuelles Chrome, Edge, Firefox oder Safari.";
    }
    text.hidden = false;
    root.setAttribute("data-unsupported", "");
  });
})();

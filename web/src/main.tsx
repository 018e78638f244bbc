import "./styles/tokens.css";
import "./styles/fonts.css";
import "./styles/base.css";
import {
  askEarly,
  createMeetingApi,
  MeetingKeys,
  OffersViewModel,
  PreferencesViewModel,
} from "@heydok/client";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { interceptLinks, restoreFocusOnReturn, routeOf } from "./app/router";
import { safeStorage } from "./app/storage";
import { updates, watchForUpdates } from "./app/update";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has an element with the id root");

const preferences = new PreferencesViewModel(
  safeStorage("localStorage"),
  navigator.languages,
  new URLSearchParams(location.search).get("lang"),
);

const route = routeOf(location);
const api = askEarly(createMeetingApi(), route.screen === "meeting" ? route.code : null);
const services = {
  preferences,
  api,
  offers: new OffersViewModel(api),
  keys: new MeetingKeys(safeStorage("sessionStorage")),
};

services.offers.ask();
restoreFocusOnReturn();
interceptLinks(() => updates.ready.value);
watchForUpdates();
createRoot(root).render(
  <StrictMode>
    <App services={services} />
  </StrictMode>,
);

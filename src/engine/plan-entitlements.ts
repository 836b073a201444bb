import { csvFields } from "../content/csv-fields.ts";
import type { Entitlements } from "../ops/entitlements.ts";
import type { BuildRequest } from "./build-request.ts";
import { RequestError } from "./request-error.ts";

/** Throws RequestError in BuildKit's words. A build with the host's network says so of itself, as buildx has it. */
export function planEntitlements({ allow = [], network }: Pick<BuildRequest, "allow" | "network">): Entitlements {
  const words = allow.filter((text) => text !== "");
  const devices = words.filter((text) => /^device(=|$)/.test(text)).map((text) => text.slice("device=".length));
  const unknown = words.find((text) => !/^(network\.host|security\.insecure|buildx\.local\.delete|device(=.*)?)$/s.test(text));
  if (unknown !== undefined) throw new RequestError("usage", `unknown entitlement ${unknown}`);
  return {
    networkHost: words.includes("network.host") || network === "host",
    securityInsecure: words.includes("security.insecure"),
    allDevices: devices.includes(""),
    devices: new Map(devices.filter((text) => text !== "").map(parseDevice)),
  };
}

function parseDevice(text: string): readonly [name: string, real: string] {
  const [name = "", ...fields] = csvFields(text);
  let alias = "";
  for (const field of fields) {
    const [, key, value = ""] = /^([^=]*)=(.*)$/s.exec(field) ?? [];
    if (key === undefined) throw new RequestError("usage", `invalid device config ${JSON.stringify(field)}`);
    if (key !== "alias") throw new RequestError("usage", `unknown device config key ${JSON.stringify(key)}`);
    alias = value;
  }
  return alias === "" ? [name, ""] : [alias, name];
}

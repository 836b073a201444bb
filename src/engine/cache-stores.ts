import { openAzblobStore } from "../cache/azblob-store.ts";
import { openGhaStore } from "../cache/gha-store.ts";
import type { KeyedStore } from "../cache/keyed-store.ts";
import { openS3Store } from "../cache/s3-store.ts";
import { systemClock } from "../host/clock.ts";
import type { HttpClient } from "../host/http-client.ts";
import type { StorePlace } from "./plan-cache-store.ts";

/** Opens a place for caches that a flag names. */
export async function openCacheStore(wanted: StorePlace, http: HttpClient, signal: AbortSignal): Promise<KeyedStore> {
  switch (wanted.kind) {
    case "gha":
      return openGhaStore(wanted.place, http);
    case "s3":
      return await openS3Store(wanted.place, systemClock);
    case "azblob":
      return await openAzblobStore(wanted.place, signal);
  }
}

/** As people name it, before it is opened. */
export function storeName(wanted: StorePlace): string {
  switch (wanted.kind) {
    case "gha":
      return `gha:${wanted.place.scope}`;
    case "s3":
      return `s3://${wanted.place.bucket}/${wanted.place.manifestsPrefix}${wanted.place.names[0]}`;
    case "azblob":
      return `${wanted.place.accountUrl.replace(/\/+$/, "")}/${wanted.place.container}/${wanted.place.manifestsPrefix}/${wanted.place.names[0]}`;
  }
}

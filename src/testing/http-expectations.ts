import assert from "node:assert/strict";
import { HttpError, type HttpErrorCode } from "../host/http-error.ts";
import type { HttpResponse } from "../host/http-client.ts";

export async function textOf(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** For assert.rejects: an HttpError of this code, whose message holds these words. */
export function hasCode(code: HttpErrorCode, ...words: readonly string[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof HttpError, String(error));
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in ${error.message}`);
    return true;
  };
}

/** An address that people can open; undefined for other words, which neither format has a place for. */
export function webAddress(text: string | undefined): string | undefined {
  const address = text?.trim() ?? "";
  return /^https?:\/\//i.test(address) && URL.canParse(address) ? new URL(address).href : undefined;
}

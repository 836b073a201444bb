/** What was measured, in the JSON form that BuildKit's records have; members that are undefined were not to be had. */
export type UsageTree = undefined | null | number | string | readonly UsageTree[] | UsageObject;
export interface UsageObject {
  readonly [member: string]: UsageTree;
}

/** The rules by which a light block is believed; a test breaks one at a time. */
export type LightRules = {
  /** Whether those who are trusted and signed suffice for a leap. */
  readonly hasTrust: (power: bigint, total: bigint) => boolean;
  /** Whether those who signed suffice for their own membership. */
  readonly hasQuorum: (power: bigint, total: bigint) => boolean;
  /** Whether the parent must bind the membership, and the header the next one. */
  readonly bindsMembership: boolean;
  /** Whether each member counts once, however often it is listed. */
  readonly countsOnce: boolean;
  /** Whether the parent must be the trusted block when the heights say so. */
  readonly bindsParent: boolean;
  /** Whether trust ends with the trusting period. */
  readonly expires: boolean;
  /** Whether a header's time is compared with ours and the trusted one's. */
  readonly checksTime: boolean;
  /** Whether false signatures matter. */
  readonly verifiesSignatures: boolean;
};

/** More than 1/3 of what is trusted: at least one of them is honest. More than 2/3 decide. */
export const LIGHT_RULES: LightRules = {
  hasTrust: (power, total) => 3n * power > total,
  hasQuorum: (power, total) => 3n * power > 2n * total,
  bindsMembership: true,
  countsOnce: true,
  bindsParent: true,
  expires: true,
  checksTime: true,
  verifiesSignatures: true,
};

/** Version of this program, as in package.json; `version.test.ts` keeps them equal. */
export const VERSION = '0.1.0';

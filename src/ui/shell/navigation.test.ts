import { describe, expect, it } from 'vitest';
import { BAR, isAt, RAIL } from './navigation.ts';

const PATHS = [
  ...['/', '/welcome', '/sign-in', '/send', '/receive', '/scan', '/contacts', '/explorer'],
  ...['/block/7', '/tx/5a', '/account/tab1', '/asset/5a', '/search/x', '/network', '/node'],
  ...['/settings', '/settings/keys'],
];

describe('isAt', () => {
  for (const [name, places] of Object.entries({ RAIL, BAR })) {
    it(`finds exactly one place of the ${name} for every page`, () => {
      for (const path of PATHS) {
        const here = places.filter((place) => isAt(place, path)).map(({ label }) => label);
        expect(here, path).toHaveLength(1);
      }
    });
  }
  it('finds none for a page that does not exist', () => {
    expect(RAIL.some((place) => isAt(place, '/nowhere'))).toBe(false);
  });
});

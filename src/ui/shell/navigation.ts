import type { LucideIcon } from 'lucide-react';
import { Blocks, Cpu, Ellipsis, House, Landmark, ScanLine, Settings } from 'lucide-react';

export type Place = {
  readonly href: string;
  readonly label: string;
  readonly Sign: LucideIcon;
  /** Further beginnings of paths that belong to it. */
  readonly also: readonly string[];
};

const home = {
  href: '/',
  label: 'Home',
  Sign: House,
  also: ['/send', '/receive', '/welcome', '/sign-in'],
};
const explorer = {
  href: '/explorer',
  label: 'Explorer',
  Sign: Blocks,
  also: ['/block/', '/tx/', '/account/', '/asset/', '/search/'],
};
const network = { href: '/network', label: 'Network', Sign: Landmark, also: [] };
const node = { href: '/node', label: 'Node', Sign: Cpu, also: [] };
const settings = { href: '/settings', label: 'Settings', Sign: Settings, also: [] };

/** The rail of wide screens. */
export const RAIL: readonly Place[] = [
  { ...home, also: [...home.also, '/scan', '/contacts'] },
  explorer,
  network,
  node,
  settings,
];

/** The bar of phones; what has no room is under More. */
export const BAR: readonly Place[] = [
  home,
  { href: '/scan', label: 'Scan', Sign: ScanLine, also: [] },
  { ...explorer, label: 'Explore' },
  node,
  {
    href: '/more',
    label: 'More',
    Sign: Ellipsis,
    also: ['/settings', '/network', '/contacts'],
  },
];

/** Whether a path belongs to a place. */
export function isAt(place: Place, path: string): boolean {
  if (place.href === path) return true;
  if (place.href !== '/' && path.startsWith(`${place.href}/`)) return true;
  return place.also.some((beginning) => path === beginning || path.startsWith(beginning));
}

import { BookUser, ChevronRight, KeyRound, Landmark, Settings } from 'lucide-react';
import { Link } from 'wouter';
import { PageHead, Panel } from '../parts/Panel.tsx';
import styles from './MorePage.module.css';

const PLACES = [
  { href: '/network', label: 'Network', Sign: Landmark },
  { href: '/contacts', label: 'Contacts', Sign: BookUser },
  { href: '/settings/keys', label: 'Keys', Sign: KeyRound },
  { href: '/settings', label: 'Settings', Sign: Settings },
];

/** What the bar of a phone has no room for. */
export default function MorePage() {
  return (
    <>
      <PageHead title="More" />
      <Panel isFlush>
        <ul>
          {PLACES.map(({ href, label, Sign }) => (
            <li key={href}>
              <Link href={href} className={styles.place}>
                <Sign size={20} strokeWidth={1.6} aria-hidden />
                <span>{label}</span>
                <ChevronRight size={18} strokeWidth={1.6} aria-hidden />
              </Link>
            </li>
          ))}
        </ul>
      </Panel>
    </>
  );
}

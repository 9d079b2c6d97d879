import { create } from 'zustand';

type Announcement = { readonly text: string; readonly number: number };

/** What the live region says now; the number changes so that equal texts are said again. */
export const useAnnouncement = create<Announcement>(() => ({ text: '', number: 0 }));

/** Says a short text in the corner of the screen and to screen readers. */
export function announce(text: string): void {
  useAnnouncement.setState((last) => ({ text, number: last.number + 1 }));
}

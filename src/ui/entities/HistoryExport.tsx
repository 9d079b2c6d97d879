import type { ExportForm, HistoryExport } from '../hooks/history-export.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Row } from '../parts/Panel.tsx';
import { Figure } from './TrustRegion.tsx';

const FORMS: readonly ExportForm[] = ['csv', 'json'];

type ExportButtonsProps = {
  readonly of: HistoryExport;
  readonly look?: 'plain' | 'quiet';
  /** What is saved, before the name of the form. */
  readonly what?: string;
};

/** Save as CSV, or as JSON; one at a time. */
export function ExportButtons({ of, look = 'plain', what = '' }: ExportButtonsProps) {
  return (
    <Row>
      {FORMS.map((form) => (
        <Button
          key={form}
          look={look}
          isBusy={of.form === form}
          disabled={!of.isReady || (of.form !== undefined && of.form !== form)}
          onClick={() => of.save(form)}
        >
          {`${what}${form.toUpperCase()}`}
        </Button>
      ))}
    </Row>
  );
}

/** How far it is, a way to end it, and what it came to; nothing before the first. */
export function ExportState({ of }: { readonly of: HistoryExport }) {
  return (
    <>
      {of.words === '' && of.form === undefined ? null : (
        <Row>
          <Figure of="counted">{of.words}</Figure>
          {of.form === undefined ? null : (
            <Button look="quiet" onClick={of.cancel}>
              Cancel
            </Button>
          )}
        </Row>
      )}
      {of.error === undefined ? null : <ErrorNotice error={of.error} />}
    </>
  );
}

import { LinkButton } from '../parts/Button.tsx';
import { Empty } from '../parts/Notice.tsx';
import { PageHead } from '../parts/Panel.tsx';

/** An address of the app that leads nowhere. */
export default function NotFoundPage() {
  return (
    <>
      <PageHead title="There is no such page" />
      <Empty action={<LinkButton href="/">Home</LinkButton>}>
        The link may be old, or mistyped.
      </Empty>
    </>
  );
}

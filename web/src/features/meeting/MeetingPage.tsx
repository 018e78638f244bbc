export function MeetingPage({ code }: { code: string }) {
  return (
    <main id="main">
      <h1>{code}</h1>
    </main>
  );
}

export function Landing() {
  return (
    <main id="main">
      <h1>heydok</h1>
    </main>
  );
}

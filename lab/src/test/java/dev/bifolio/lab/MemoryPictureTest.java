package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryPictureTest {
  private static final long BASE = 0x8000_0000L;

  @ParameterizedTest
  @ValueSource(ints = {40, 80, 100, 160, 250})
  void noLineIsWiderThanTheTerminal(int columns) {
    String picture = phone().render(columns, false);
    for (String line : picture.lines().toList()) {
      assertTrue(
          line.length() <= columns, columns + " columns, but " + line.length() + ": " + line);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {80, 160})
  void eachCellIsAnEqualShareAndAllOfTheSpanIsShown(int columns) {
    MemoryPicture picture = new MemoryPicture(new AddressRange(BASE, 2 * Pages.GIB));
    picture.paint(new AddressRange(BASE, 2 * Pages.GIB), MemoryPicture.Kind.FREE);
    picture.paint(new AddressRange(BASE + Pages.GIB, Pages.GIB), MemoryPicture.Kind.NO_MAP);
    String text = picture.render(columns, false);
    long cellBytes =
        Numbers.parse(
            text.lines().findFirst().orElseThrow().replace("one cell = ", "").replace(" ", ""));
    assertEquals(Pages.GIB / cellBytes, cells(text, '.'));
    assertEquals(Pages.GIB / cellBytes, cells(text, 'N'));
  }

  @Test
  void somethingSmallIsSeenInACellOfFreeMemory() {
    MemoryPicture picture = new MemoryPicture(new AddressRange(0, 64 * Pages.GIB));
    picture.paint(new AddressRange(0, 64 * Pages.GIB), MemoryPicture.Kind.FREE);
    picture.paint(new AddressRange(16 * Pages.MIB, 32 * Pages.MIB), MemoryPicture.Kind.KERNEL);
    assertEquals(1, cells(picture.render(80, false), 'K'));
  }

  @Test
  void aLongHoleIsFoldedIntoOneLine() {
    String text = phone().render(80, false);
    assertTrue(text.contains("a hole of "), text);
    assertTrue(text.lines().count() < 20, text);
  }

  @Test
  void whatIsPaintedWhereFreeDoesNotCoverWhatIsTaken() {
    MemoryPicture picture = new MemoryPicture(new AddressRange(0, Pages.MIB));
    picture.paint(new AddressRange(0, Pages.MIB / 2), MemoryPicture.Kind.FREE);
    picture.paint(new AddressRange(0, Pages.MIB / 4), MemoryPicture.Kind.HEAP);
    picture.paintWhereFree(new AddressRange(0, Pages.MIB), MemoryPicture.Kind.RESERVED);
    String text = picture.render(80, false);
    assertEquals(cells(text, 'H'), cells(text, 'R'));
    assertEquals(cells(text, '-'), cells(text, 'R') + cells(text, 'H'));
    assertEquals(0, cells(text, '.'));
  }

  @Test
  void theLegendNamesWhatIsThereAndNothingElse() {
    MemoryPicture picture = new MemoryPicture(new AddressRange(0, Pages.MIB));
    picture.paint(new AddressRange(0, Pages.MIB), MemoryPicture.Kind.FREE);
    String text = picture.render(80, false);
    assertTrue(text.contains(". free"), text);
    assertFalse(text.contains("kernel"), text);
  }

  @Test
  void rangesOutsideTheSpanAreLeftOut() {
    MemoryPicture picture = new MemoryPicture(new AddressRange(BASE, Pages.MIB));
    picture.paint(new AddressRange(BASE, Pages.MIB), MemoryPicture.Kind.FREE);
    picture.paint(new AddressRange(0, BASE), MemoryPicture.Kind.RESERVED);
    picture.paint(new AddressRange(-4096L, 4096), MemoryPicture.Kind.RESERVED);
    assertEquals(0, cells(picture.render(80, false), 'R'));
  }

  @Test
  void colouredCellsShowWhatTheLettersShowAndEveryLineEndsWithoutColour() {
    String plain = phone().render(80, false);
    String coloured = phone().render(80, true);
    assertEquals(plain.lines().count(), coloured.lines().count());
    for (String line : coloured.lines().toList()) {
      assertTrue(line.lastIndexOf("\u001b[0m") >= line.lastIndexOf("\u001b[38"), line);
      String cells = line.replaceAll("\u001b\\[[0-9;]*m", "");
      assertTrue(cells.length() <= 80, line);
    }
    assertEquals(
        plain.lines().filter(line -> line.strip().startsWith("0x")).mapToInt(String::length).sum(),
        coloured
            .lines()
            .filter(line -> line.strip().startsWith("0x"))
            .mapToInt(line -> line.replaceAll("\u001b\\[[0-9;]*m", "").length())
            .sum());
  }

  @Test
  void aSpanOfSixtyFourTebibytesWithTwoFramesOfRamIsDrawnAtOnce() {
    MemoryPicture picture = new MemoryPicture(new AddressRange(0, 1L << 46));
    picture.paint(new AddressRange(0, 4096), MemoryPicture.Kind.FREE);
    picture.paint(new AddressRange((1L << 46) - 4096, 4096), MemoryPicture.Kind.FREE);
    String text = picture.render(80, false);
    assertEquals(2, cells(text, '.'));
    assertTrue(text.lines().count() < 10, text);
  }

  private static MemoryPicture phone() {
    MemoryPicture picture = new MemoryPicture(new AddressRange(BASE, 38 * Pages.GIB));
    for (AddressRange bank :
        List.of(
            new AddressRange(BASE, 2 * Pages.GIB),
            new AddressRange(BASE + 32 * Pages.GIB, 6 * Pages.GIB))) {
      picture.paint(bank, MemoryPicture.Kind.FREE);
    }
    picture.paint(new AddressRange(BASE, 40 * Pages.MIB), MemoryPicture.Kind.KERNEL);
    picture.paint(new AddressRange(BASE + Pages.GIB, Pages.GIB / 2), MemoryPicture.Kind.NO_MAP);
    picture.paint(new AddressRange(BASE + 36 * Pages.GIB, 64 * Pages.MIB), MemoryPicture.Kind.HEAP);
    return picture;
  }

  /// Cells of a kind, in the rows only: those begin with an address.
  private static long cells(String picture, char letter) {
    return picture
        .lines()
        .filter(line -> line.strip().startsWith("0x"))
        .map(line -> line.substring(18))
        .flatMapToInt(String::chars)
        .filter(c -> c == letter)
        .count();
  }
}

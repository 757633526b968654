package dev.bifolio.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The claims of all tests agree with the list and with docs/behaviours.md.
class BehaviourListTest {
  private static final Path ROOT = Path.of(System.getProperty("bifolio.root"));
  private static final String SMALL =
      """
      # a comment
      finished = 2
      section 1 First
      1 | one
      2 | two
      section 2 Second
      M.A1 | three
      """;

  @Test
  void everyClaimIsKnownAndFinishedSectionsAreClaimedInFull() throws IOException {
    assertEquals(List.of(), ofProject().faults(), () -> "see CONTRIBUTING.md, Claims");
  }

  @Test
  void theDocumentSaysWhatTheTestsClaim() throws IOException {
    Path document = ROOT.resolve("docs/behaviours.md");
    String expected = ofProject().markdown();
    if (Boolean.getBoolean("behaviours.write")) {
      Files.createDirectories(document.getParent());
      Files.writeString(document, expected);
    }
    String found = Files.exists(document) ? Files.readString(document) : "";
    assertEquals(
        expected,
        found,
        "docs/behaviours.md is out of date; write it anew with dev/behaviours"
            + " (or -Dbehaviours.write=true)");
  }

  @Test
  void theListHasEverySectionAndRow() {
    List<BehaviourList.Section> sections = BehaviourList.ofProject().sections();
    assertEquals(10, sections.size());
    List<String> numbered =
        sections.subList(0, 9).stream().flatMap(s -> s.texts().keySet().stream()).toList();
    assertEquals(145, numbered.size());
    for (int i = 0; i < numbered.size(); i++) {
      assertEquals(Integer.toString(i + 1), numbered.get(i));
    }
    assertTrue(sections.get(9).texts().keySet().stream().allMatch(i -> i.startsWith("M.")));
  }

  @Test
  void claimsOfMethodsAndTypesAreFoundAlsoWhenNested() throws IOException {
    BehaviourClaims claims =
        claimsOf(
            """
            package a;
            @Behaviour({"1", "2"})
            class OuterTest extends Suite {
              @Nested class Inner {
                @Behaviour("M.A1") @Test void shows() {}
                @dev.bifolio.testkit.Behaviour(value = "2") @ParameterizedTest void alsoShows() {}
              }
            }
            """);
    assertEquals(List.of(), claims.mistakes());
    assertEquals(Set.of("OuterTest"), claims.testsOfId().get("1"));
    assertEquals(Set.of("OuterTest", "OuterTest.Inner.alsoShows"), claims.testsOfId().get("2"));
    assertEquals(Set.of("OuterTest.Inner.shows"), claims.testsOfId().get("M.A1"));
  }

  @Test
  void anUnknownIdIsAFault() throws IOException {
    List<String> faults =
        faultsOf("class ATest { @Behaviour({\"M.A1\", \"99\"}) @Test void shows() {} }");
    assertEquals(1, faults.size(), faults::toString);
    assertTrue(faults.getFirst().contains("no behaviour 99"), faults::toString);
  }

  @Test
  void anUnclaimedRowOfAFinishedSectionIsAFault() throws IOException {
    List<String> faults = faultsOf("class ATest { @Behaviour(\"1\") @Test void shows() {} }");
    assertEquals(1, faults.size(), faults::toString);
    assertTrue(faults.getFirst().contains("section 2 is finished, but no test claims M.A1"));
  }

  @Test
  void claimsOfDisabledTestsAndOfHelpersDoNotCount() throws IOException {
    List<String> faults =
        faultsOf(
            """
            class ATest {
              @Behaviour("M.A1") @Test void shows() {}
              @Behaviour("1") @Disabled @Test void left() {}
              @Behaviour("2") void helper() {}
              @Behaviour(ONE) @Test void composed() {}
            }
            """);
    assertEquals(3, faults.size(), faults::toString);
    assertTrue(faults.get(0).contains("ATest.left is disabled"), faults::toString);
    assertTrue(faults.get(1).contains("ATest.helper is no test"), faults::toString);
    assertTrue(faults.get(2).contains("not written out"), faults::toString);
  }

  @Test
  void aFinishedSectionThatDoesNotExistAndARepeatedIdAreRefused() {
    assertThrows(AssertionError.class, () -> BehaviourList.parse(SMALL.replace("= 2", "= 1, 7")));
    assertThrows(AssertionError.class, () -> BehaviourList.parse(SMALL + "1 | again\n"));
  }

  private static BehaviourReport ofProject() throws IOException {
    return new BehaviourReport(
        BehaviourList.ofProject(), BehaviourClaims.of(BehaviourClaims.sourcesBelow(ROOT)));
  }

  private static List<String> faultsOf(String source) throws IOException {
    return new BehaviourReport(BehaviourList.parse(SMALL), claimsOf(source)).faults();
  }

  private static BehaviourClaims claimsOf(String source) throws IOException {
    return BehaviourClaims.of(List.of(new BehaviourClaims.Source("a/ATest.java", source)));
  }
}

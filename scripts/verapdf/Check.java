import java.io.FileInputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Say of each PDF named on the command line, in two flavours, whether it is compliant, and what is wrong with it. */
public class Check {
    public static void main(String[] files) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (String file : files) {
            for (String name : new String[] {"3b", "ua1"}) {
                PDFAFlavour flavour = PDFAFlavour.fromString(name);
                try (PDFAParser parser = Foundries.defaultInstance().createParser(new FileInputStream(file), flavour)) {
                    ValidationResult result =
                        Foundries.defaultInstance().createValidator(flavour, 20, false, false, false).validate(parser);
                    System.out.println(file + " " + name + " " + (result.isCompliant() ? "compliant" : "broken"));
                    for (TestAssertion wrong : result.getTestAssertions()) {
                        System.out.println("  " + wrong.getRuleId().getClause() + ": " + wrong.getMessage());
                    }
                }
            }
        }
    }
}
